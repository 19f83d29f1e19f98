/* The remembered run that an asking is most like, and what they differ in: what to
 * compare with when somebody wonders why he was not answered. Of the same question
 * where there is one; else one chosen by its label. Opens a bounded number of
 * capsules, however many there are. */
#ifndef DPC_NEAREST_H
#define DPC_NEAREST_H

#include "differ.h"
#include "vault.h"

/* Zero but for answer, which is ANSWER_NONE; release with nearest_release. */
struct nearest {
	bool found;
	uint64_t weight;                /* of the differences */
	struct answer answer;           /* head and meta; no output */
	struct differences differences; /* they point to answer, … */
	struct buf observed;            /* … to this, which is the asking's, and to the asking */
};

/* The asking has been observed and only looks. DPC_OK, with n->found or without; an
 * error of the store, when what the shelf has was found all the same. */
int nearest_find(struct nearest *n, struct ask *a, dpc_error *err);

void nearest_release(struct nearest *n);

#endif
