/* Which system calls are watched, and how each is told. */
#ifndef DPC_WATCHER_CALL_H
#define DPC_WATCHER_CALL_H

#include <linux/sched.h>
#include <stdint.h>

struct scene;

enum {
	CALL_CWD = -1, /* in place of a descriptor's argument: the working directory */
	CALL_NONE = -1 /* no such argument */
};

/* Flags of clone(2) by which names may come to mean something else. */
enum {
	CALL_NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
	                  CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME
};

/* Arguments are given by their position. */
struct call {
	/* Writes what the call is going to do, before it does. NULL: not watched. */
	void (*tell)(struct scene *s);
	int8_t at, path, flags;
	int fixed;         /* flags that the call has by itself */
	int8_t at2, path2; /* of the second file */
	const char *why;   /* the result cannot be kept: in the words of WIRE_UNCACHEABLE */
};

/* How a call of this number is watched, or NULL. */
const struct call *call_find(int number);

/* No call has this number or a higher one. */
int call_end(void);

/* files.c: what only looks. */
void tell_open(struct scene *s);
void tell_open_how(struct scene *s);
void tell_stat(struct scene *s);
void tell_statx(struct scene *s);
void tell_access(struct scene *s);
void tell_readlink(struct scene *s);
void tell_list(struct scene *s);

/* names.c: what changes. */
void tell_make(struct scene *s);
void tell_remove(struct scene *s);
void tell_rename(struct scene *s);
void tell_link(struct scene *s);
void tell_change(struct scene *s);
void tell_change_open(struct scene *s);

/* launch.c */
void tell_exec(struct scene *s);

/* world.c: what leads out of the files. */
void tell_address(struct scene *s);
void tell_message(struct scene *s);
void tell_messages(struct scene *s);
void tell_random(struct scene *s);
void tell_reason(struct scene *s);
void tell_moved(struct scene *s);
void tell_clone(struct scene *s);
void tell_identity(struct scene *s);
void tell_trace(struct scene *s);
void tell_ipc(struct scene *s);
void tell_filter(struct scene *s);

#endif
