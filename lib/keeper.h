/* The keeper: a process between dpcache and the command, for the command's death
 * must not depend on ours being an orderly one.
 *
 *   dpcache ── keeper ── command ── what it starts
 *
 * The keeper is the parent of the command and of whatever the command loses (a
 * child subreaper), and has a copy of the lock's descriptor. When dpcache dies,
 * by whatever signal, the keeper kills all that is below it and only then lets
 * go of the lock: it is never free while a process of the run is alive.
 * Dismissed, the keeper just goes: what the command left in the background goes
 * on. The keeper itself killed, the command dies with it.
 *
 * Where there can be no keeper the command is started as our own child, and
 * dies with us, but not what it has started.
 *
 *   keeper_start → keeper_await → keeper_dismiss → keeper_reap */
#ifndef DPC_KEEPER_H
#define DPC_KEEPER_H

#include "spawn.h"

struct keeper {
	pid_t pid;      /* of the keeper; of the command where there is none; 0: none to wait for */
	int control;    /* -1: there is no keeper */
	int ending;     /* polls readable when keeper_await will not wait; -1: an old kernel */
	int exec_errno; /* without a keeper, why the command could not be executed */
	void (*child_signal)(int); /* SIGCHLD's disposition, as it was */
};

struct ending {
	int start_errno; /* not 0: there could be no process */
	int exec_errno;  /* not 0: the command could not be executed */
	int status;      /* else: raw wait status */
	bool lost;       /* the keeper was killed, and nobody knows how the command ended */
};

/* Start the command, not waiting for it to be executed. `lock` (-1: none) stays
 * the caller's. 0, or -1 with errno when there can be no process. */
int keeper_start(struct keeper *k, const struct spawn *s, int lock);

/* Send the command a signal; nothing happens when it has ended. May be called by
 * a signal handler. */
void keeper_signal(const struct keeper *k, int number);

/* Wait for the command's end. Once. */
void keeper_await(struct keeper *k, struct ending *e);

/* After keeper_await: let the keeper go. It takes a moment to do so. */
void keeper_dismiss(struct keeper *k);

/* Wait until keeper.pid is gone. 0 is nobody. */
void keeper_reap(pid_t pid);

#endif
