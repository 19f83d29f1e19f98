/* The file a capsule is built in: the key's lock, or one of its own. Either way
 * it has a name below the home, by which it can be linked into data/. */
#ifndef DPC_SCRATCH_H
#define DPC_SCRATCH_H

#include "lock.h"

struct scratch {
	int fd; /* -1: none */
	char name[64];
	bool is_lock;
};

/* Build in the lock of `key`, held in LOCK_EX; takes `lock` over. */
void scratch_of_lock(struct scratch *s, const struct digest *key, int lock);

/* Build in a file of its own. s->fd is -1 with errno when there can be none. */
void scratch_open(struct scratch *s, const struct home *h);

/* Retire the lock, or unlink the file. Harmless when there is none. */
void scratch_close(struct scratch *s, const struct home *h, const struct digest *key);

#endif
