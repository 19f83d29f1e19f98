/* The processes: callers of dpcache run, and those that invalidate, prune, check.
 * We are the reaper of all that are left without a parent, so that nobody gets
 * lost, and no pid is taken again before we have seen its end. */
#ifndef FAULT_PARTY_H
#define FAULT_PARTY_H

#include "history.h"

enum errand { RUN, FORGET, FORGET_ALL, PRUNE, DOCTOR };

struct member {
	enum errand errand;
	enum said_kind kind; /* of RUN and FORGET */
	pid_t pid;
	int64_t came, went;  /* before it was started; after it was reaped, or 0 */
	int out, err;        /* what it wrote, in files of no name; -1 when judged */
	bool killed;         /* by us */
	int64_t stopped_until; /* 0: not stopped */
	bool refresh;        /* RUN: with --refresh */
	int64_t ttl, ttl_fail; /* RUN: ns */
	int64_t window;      /* RUN: ns past the ttl in which what did not fail is an answer */
	bool follow;         /* RUN: with --follow always */
	int64_t barrier;     /* RUN: no run that began before may answer it */
};

struct party {
	struct member *members;
	size_t count, room;
	size_t first_here;   /* all before it have gone */
	size_t here;         /* not gone yet */
};
extern struct party party;

/* Start one; argv[0] is a path. Its index. */
size_t party_start(const struct member *m, char *const argv[]);

/* The member with this pid who has not gone, or -1. */
long party_find(pid_t pid);

/* Any who is here and on this errand, or -1. */
long party_pick(enum errand errand);

void party_kill(size_t who);
void party_stop(size_t who, int64_t ns);
void party_wake(bool all); /* those whose time it is, or all */

/* A run's own process, below its parent of then or left to us. Does nothing if it has
 * gone. */
void party_signal_run(struct run *r, int signal);

/* Kill the process above a run, while that is still the one of then. False: it is not. */
bool party_kill_parent(struct run *r);

enum { PARTY_STRANGER = -1, PARTY_NONE_ENDED = -2, PARTY_NOBODY = -3 };

/* A child has ended: the member's index, or PARTY_STRANGER for one that was left to
 * us; PARTY_NONE_ENDED; PARTY_NOBODY when there is none at all. What it had logged
 * is in the history before it counts as gone. */
long party_reap(int *status);

/* End all who are here. */
void party_end(void);

/* Who is still here, and in what: for a report on what hangs. */
void party_show(void);

#endif
