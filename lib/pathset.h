/* A set of paths, each with bits that say what is known of it. In order of arrival,
 * found by hash. */
#ifndef DPC_PATHSET_H
#define DPC_PATHSET_H

#include "buf.h"

struct pathset_entry {
	size_t name; /* offset into the set's names */
	uint32_t bits;
};

/* Zero-initialise; release with pathset_release. */
struct pathset {
	struct pathset_entry *v;
	uint32_t *slots; /* number + 1 of the entry; 0: free */
	size_t count, capacity, slot_count;
	struct buf names;
	bool failed; /* out of memory */
};

void pathset_release(struct pathset *s);

/* The path's entry, added with no bits when it is new; valid until the next call.
 * NULL when out of memory. */
struct pathset_entry *pathset_at(struct pathset *s, const char *path);

/* The same of one that is there; else NULL. */
struct pathset_entry *pathset_find(const struct pathset *s, const char *path);

const char *pathset_name(const struct pathset *s, const struct pathset_entry *e);

#endif
