/* Names in directories: sorted listings, and globs that tell every directory
 * they read. glob(3) would not say which listings its answer depends on. */
#ifndef DPC_TREE_H
#define DPC_TREE_H

#include "buf.h"
#include "err.h"

#include <limits.h>

/* Sorted names, each ending in NUL, one behind the other in `strings`. */
struct name_list {
	struct buf strings;
	size_t *offsets, count;
};

void name_list_release(struct name_list *l);
const char *name_list_at(const struct name_list *l, size_t i);

/* Names in `path` except "." and "..", in byte order; with a pattern only
 * those that match it as the shell does (a leading dot only by a dot). */
int tree_list(struct name_list *l, const char *path, const char *pattern, dpc_error *err);

/* Make "dir" "dir/name", in place. Returns the length before, to cut it back to; or,
 * with the path as it was, a DPC_E_ code, which is below 0. */
int tree_enter(char path[PATH_MAX], const char *name, dpc_error *err);

/* Walk a glob pattern: `listing` is called for each directory read (and fills
 * the list, usually by tree_list), `match` for each path that the whole
 * pattern yields, existing or not, and for each directory missing on the way.
 * Both return DPC_OK or end the walk with their code. */
typedef int tree_listing_fn(void *context, struct name_list *l, const char *dir, const char *pattern);
typedef int tree_match_fn(void *context, const char *path);
int tree_glob(const char *pattern, tree_listing_fn *listing, tree_match_fn *match, void *context,
              dpc_error *err);

#endif
