/* The file a capsule is built in: the key's lock, or one of its own. Either way
 * it has a name below the home, by which it can be linked into data/. */
#ifndef DPC_SCRATCH_H
#define DPC_SCRATCH_H

#include "lock.h"

struct scratch {
	int fd; /* -1: none */
	char name[96];
	bool is_lock, retired;
};

/* Build in the lock of `key`, held in LOCK_EX; takes `lock` over. */
void scratch_of_lock(struct scratch *s, const struct digest *key, int lock);

/* Build in a file of its own, which bears the key in its name so that the run
 * can be voided. s->fd is -1 with errno when there can be none. */
void scratch_open(struct scratch *s, const struct home *h, const struct digest *key);

/* Is this name below locks/ that of a scratch file, for `key` (NULL: any)? */
bool scratch_is_name(const char *name, const struct digest *key);

/* Let go of it: its name is taken away, where it still has it, and its lock given
 * back; what is in it can still be read by its descriptor. */
void scratch_retire(struct scratch *s, const struct home *h, const struct digest *key);

/* The same, and close it. Harmless when there is none. */
void scratch_close(struct scratch *s, const struct home *h, const struct digest *key);

#endif
