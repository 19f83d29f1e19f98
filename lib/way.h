/* The way to a file: each part of its path, and what the symbolic links on it lead to
 * in turn. */
#ifndef DPC_WAY_H
#define DPC_WAY_H

#include <sys/stat.h>

/* The directory that an absolute path lies in; `out` has room for the path. */
void way_parent(char *out, const char *path);

/* `part` is absolute; `st` is of itself, not of what it leads to. Anything but
 * DPC_OK ends the walk and is its result. */
typedef int way_part_fn(void *context, const char *part, const struct stat *st);

/* Walk along an absolute path, the last part and its targets included. Ends where
 * nothing is, or after as many links as the kernel follows. */
int way_walk(const char *path, way_part_fn *see, void *context);

#endif
