/* The runs there were, from the workers' log. */
#ifndef FAULT_HISTORY_H
#define FAULT_HISTORY_H

#include "said.h"

#include <stdbool.h>
#include <sys/types.h>

struct run {
	uint64_t id;
	enum said_kind kind;
	pid_t pid;
	pid_t above[2];      /* its parent and grandparent when it began */
	int64_t began, ended; /* CLOCK_MONOTONIC, ns; 0: has not printed everything */
	int leader;          /* the caller behind it (party.h), or -1 */
	bool killed;         /* by us */
	bool bereft;         /* who started it was, and is not a caller */
};

/* One worker found another at work for its key. */
struct overlap {
	struct run *run, *other; /* other NULL: unknown */
	int64_t at;
};

/* Called for each run that has begun, and for each overlap. */
typedef void history_run_fn(struct run *run);
typedef void history_overlap_fn(const struct overlap *overlap);

void history_open(const char *path, history_run_fn *begun, history_overlap_fn *overlap);

/* Take in what was logged since. */
void history_read(void);

/* NULL: there was none. Valid until the end. */
struct run *history_find(uint64_t id);

/* The latest run of a kind that has not ended by itself, or NULL. */
struct run *history_latest(enum said_kind kind);

/* Was a run of this kind killed by us? */
bool history_any_killed(enum said_kind kind);

/* The runs of a kind that began since then, to stderr, for a report. */
void history_print(enum said_kind kind, int64_t since);

long history_count(void);

#endif
