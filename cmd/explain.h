/* What a run would do, and why: found out by explain.c, told by explain_print.c. */
#ifndef DPC_EXPLAIN_H
#define DPC_EXPLAIN_H

#include "atwork.h"
#include "difference.h"
#include "lastrun.h"
#include "meet.h"
#include "nearest.h"

enum { CAUSE_TEXT = DIFFERENCE_TEXT + 64 };

struct explanation {
	const char *verdict;         /* what run would report: hit, stale, follow, miss, bypass */
	char cause[CAUSE_TEXT];      /* in words: why it is no hit, or for how long it is one */
	char besides[256];           /* what would keep the nearest from answering, too; or "" */
	char last[LASTRUN_TEXT];      /* why the last run of this key was not remembered; or "" */
	const char *trouble;         /* what is wrong with the cache; or NULL */
	const struct ask *ask;       /* NULL: it never comes to be asked */
	const struct answer *answer; /* of a hit: what it is answered from; else NULL */
	struct nearest nearest;
	struct atwork run;
	bool running; /* `run` is at work */
};

void explanation_print(const struct explanation *e, bool json);

#endif
