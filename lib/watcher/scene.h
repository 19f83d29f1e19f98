/* One system call that a watched program is stopped at: who makes it, with what,
 * and what its arguments point to. All of it is read from outside, so that every
 * answer may come too late; then the caller is gone, and there is nothing to tell. */
#ifndef DPC_WATCHER_SCENE_H
#define DPC_WATCHER_SCENE_H

#include "watcher/journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What lasts from call to call. */
struct watch {
	struct journal journal;
	int listener;
	bool begun;     /* the program itself has been executed */
	bool elsewhere; /* names no longer mean there what they mean here */
};

struct scene {
	struct watch *watch;
	const struct call *call;
	const uint64_t *args;
	uint64_t id;
	int64_t heard; /* when the call was, by scene_clock */
	pid_t tid, pid; /* the thread, its process */
	int answer;     /* 0: the call goes on; else the errno it fails with, not made at all */
};

/* A file's name as the caller gave it, made absolute, and what names the same file
 * to us: /proc/self is another there. */
struct name {
	char path[WIRE_PATH_MAX];
	char here[WIRE_PATH_MAX + 32];
};

/* Monotonic, ns. */
int64_t scene_clock(void);

/* The process that a thread belongs to. */
pid_t scene_process(pid_t tid);

/* Copy `size` bytes at `address` of the caller's memory. False: they are not there,
 * and the call is going to say so itself, or the caller is gone. */
bool scene_read(const struct scene *s, void *to, uint64_t address, size_t size);

/* Copy a string. False also where it does not end within `size`. */
bool scene_read_string(const struct scene *s, char *to, size_t size, uint64_t address);

/* What a descriptor of the caller's leads to, or with AT_FDCWD its working
 * directory. False: to nothing that has a name. */
bool scene_descriptor(const struct scene *s, struct name *n, int fd);

/* The file named by argument `path`, relative to descriptor argument `at`
 * (CALL_CWD: the working directory). With `empty_is_fd`, an empty one names what the
 * descriptor leads to. False: there is no name to look at. A name that cannot be
 * told is recorded as a reason not to keep the result. */
bool scene_name(const struct scene *s, struct name *n, int at, int path, bool empty_is_fd);

/* The same for n->path, filled in already, and relative to descriptor `fd`. */
bool scene_complete(const struct scene *s, struct name *n, int fd);

/* Does it lead to what has no name any more? */
bool name_is_removed(const struct name *n);

/* Fill in n->here for n->path. What is the process's own in /proc gets the one name
 * that it has in every run. */
void name_locate(struct name *n, pid_t pid, pid_t tid);

void scene_tell(const struct scene *s, enum wire_kind kind, int error, uint32_t detail, const struct name *n);
void scene_tell_reason(const struct scene *s, const char *why);

#endif
