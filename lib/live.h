/* Follows a run at work: passes its output on as it comes, and sees its end.
 *
 *   live_init → live_follow; did the leader die: resume_restart(&l->given), and
 *   live_follow the next one
 *
 * While it waits, it holds a lock for reading on one byte far behind the file's
 * end: /proc/locks then shows an OFDLCK there for each one who waits. Not
 * flock, which tells of the leader. */
#ifndef DPC_LIVE_H
#define DPC_LIVE_H

#include "resume.h"

#include <stdbool.h>

#define LIVE_WAITER_AT (INT64_C(1) << 40)

enum live_end {
	LIVE_DONE,     /* it ended well and its whole output went out; head.status is its status */
	LIVE_ENDED,    /* nothing (more) will come: head.state is CAPSULE_ELSEWHERE or CAPSULE_GIVEN_UP */
	LIVE_DIED,     /* nobody leads in this file any more, and it is not complete */
	LIVE_REFUSED,  /* `accept` did not want it; nothing of it went out */
	LIVE_TIMED_OUT /* the deadline is over; some of it may have gone out */
};

struct live {
	int out, err;         /* where the streams go; -1: nowhere, as once their reader has gone */
	struct resume given;  /* what went out in this and earlier runs */
	bool relayed;         /* something did */
	struct capsule head;  /* of the run at work, as last read; all zero before there is one */
	/* Asked once, before anything of a run goes out; NULL: yes. What the head
	 * tells of can be read from the file. */
	bool (*accept)(void *context, const struct capsule *head);
	/* Called before each wait, at least once a second, until something goes
	 * out; NULL: not. */
	void (*waiting)(void *context, const struct capsule *head);
	/* Called once, before the first byte goes out; NULL: not. */
	void (*relaying)(void *context);
	void *context;
};

/* Not in heap memory of the front: it is aligned further than that. */
void live_init(struct live *l, int out, int err);

/* Follow the run in the open lock file `fd`, which somebody else leads or led,
 * up to `deadline` (clock_mono_ns; DPC_FOREVER), whatever comes first. A run with
 * the flag CAPSULE_HELD is not shown before it is complete. A reader that went
 * away (EPIPE) is no error: SIGPIPE must be ignored. Whether the path still names
 * a file that says LIVE_DONE or LIVE_ENDED is for the caller to look at.
 *
 * DPC_OK with *end. DPC_E_CONFLICT: the run contradicts what an earlier one gave.
 * DPC_E_CORRUPT, DPC_E_VERSION: the file is damaged, or cannot be understood;
 * some of it may have gone out. DPC_E_IO: a stream takes no more, or the file
 * cannot be read. */
int live_follow(enum live_end *end, struct live *l, int fd, int64_t deadline, dpc_error *err);

#endif
