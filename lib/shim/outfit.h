/* What a program gets along so that it, too, is watched: our two variables in its
 * environment, or the watcher in front of it. */
#ifndef DPC_SHIM_OUTFIT_H
#define DPC_SHIM_OUTFIT_H

#include "target.h"

#include <stddef.h>

struct outfit {
	enum wire_exec fate;
	const char *preload; /* the shim that goes with it */
	bool as_executed;    /* WIRE_AS_EXECUTED */
	/* What to execute instead. */
	const char *path;
	char *const *argv;
	char *const *envp;
};

/* Decide, by the kind of the target. `path` is what is executed, relative to the working
 * directory; NULL: by another way, so that the watcher cannot be given it, nor the program
 * know itself by it. */
void outfit_choose(struct outfit *o, const struct target *t, const char *path, char *const envp[]);

/* From now on nothing goes along: the files are out of reach. */
void outfit_none(void);

/* Room that outfit_make needs, bytes. */
size_t outfit_size(const struct outfit *o, char *const argv[], char *const envp[]);

/* Fill in path, argv and envp; what is new stands in `room`, aligned for pointers. In
 * the caller's frame: in a vfork child there is no other memory. */
void outfit_make(struct outfit *o, void *room, const char *path, char *const argv[], char *const envp[]);

/* execve and its kin failed for `error`: is that for what is added, so that it is to be tried
 * as it was? Then nothing goes along. */
bool outfit_is_too_large(struct outfit *o, int error);

/* Enough for one call: declares `room`. */
#define OUTFIT_ROOM(room, o, argv, envp) void *room[outfit_size(o, argv, envp) / sizeof(void *) + 1]

#endif
