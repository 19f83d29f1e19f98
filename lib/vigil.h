/* A vigil over directories while a command is at work: which names were in them before
 * it began, and whether anybody but the command has made or removed any since.
 *
 * It is over the working directory and what lies below it, as far as that is not too
 * much; no hidden directories, nothing behind links or on file systems where others
 * can make names without this kernel.
 *
 *   vigil_begin → the command → vigil_end → vigil_names → vigil_release */
#ifndef DPC_VIGIL_H
#define DPC_VIGIL_H

#include "input.h"

struct vigil {
	int fd;                     /* of inotify; -1: none */
	struct observations before; /* listings; the first is of watch 1, and so on */
	bool *disturbed;            /* for each of these */
};

#define VIGIL_NONE ((struct vigil){.fd = -1})

/* Where it cannot be held it is over fewer directories, or none. */
void vigil_begin(struct vigil *v);

/* Did the command make, or remove, what was at this absolute path? */
typedef bool vigil_own_fn(void *context, const char *path);

/* The command is over. */
void vigil_end(struct vigil *v, vigil_own_fn *is_own, void *context);

/* The digest of a directory's listing (OBSERVED_LISTING) before the command began, if
 * all that came or went in it since is the command's own; else NULL. */
const struct digest *vigil_names(const struct vigil *v, const char *path);

void vigil_release(struct vigil *v);

#endif
