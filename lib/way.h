/* The way to a file: each part of its path, and what the symbolic links on it lead to
 * in turn. */
#ifndef DPC_WAY_H
#define DPC_WAY_H

#include "pathset.h"

#include <sys/stat.h>

/* What lies on the ways that are walked, each part looked at once: for walks in a row,
 * while nothing is expected to change. Zero-initialise. */
struct way_memory {
	struct pathset parts; /* bits: the error, 0: it is there */
	struct stat *st;      /* for each of them */
	size_t room;
};

void way_forget(struct way_memory *m);

/* lstat(2) by way of the memory: 0, or the error. */
int way_look(struct way_memory *m, const char *path, struct stat *st);

/* The directory that an absolute path lies in; `out` has room for the path. */
void way_parent(char *out, const char *path);

/* `part` is absolute; `st` is of itself, not of what it leads to. Anything but
 * DPC_OK ends the walk and is its result. */
typedef int way_part_fn(void *context, const char *part, const struct stat *st);

/* Walk along an absolute path, the last part and its targets included. Ends where
 * nothing is, or after as many links as the kernel follows. */
int way_walk(struct way_memory *m, const char *path, way_part_fn *see, void *context);

#endif
