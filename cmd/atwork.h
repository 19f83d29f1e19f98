/* A run at work, as the file that is its lock tells (lock.h), to whoever only looks. */
#ifndef DPC_ATWORK_H
#define DPC_ATWORK_H

#include "capsule.h"
#include "home.h"

#include <sys/types.h>

/* Zero-initialise; release with atwork_release. */
struct atwork {
	struct capsule capsule;
	struct buf meta; /* owns the label */
	struct slice label;
	pid_t pid;
	int waiters; /* -1: cannot be told */
	int64_t age; /* ns */
};

/* false: nobody runs anything in this file. */
bool atwork_look(struct atwork *r, int fd);

/* The same of a key, which must be on a file system with locks (home_check_locks). */
bool atwork_find(struct atwork *r, const struct home *h, const struct digest *key);

void atwork_release(struct atwork *r);

/* One JSON object. */
void atwork_json(struct buf *b, const struct atwork *r);

#endif
