/* Follows a run at work: passes its output on as it comes, and sees its end.
 *
 *   live_init → live_follow; did the leader die: resume_restart(&l->given), and
 *   live_follow the next one
 *
 * It does not block in flock, and so announces that it waits (proclocks.h). */
#ifndef DPC_LIVE_H
#define DPC_LIVE_H

#include "resume.h"

#include <stdbool.h>

enum live_end {
	LIVE_DONE,     /* it ended and its whole output went out; head.status is its status. Only with
	                * CAPSULE_CUT can that be less than was given before */
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
	/* Called before each wait, at least once a second; NULL: not. */
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
 * away (EPIPE) is no error: SIGPIPE must be ignored. LIVE_DONE and LIVE_ENDED are
 * told as soon as the file says so, usually before the leader has let go of it
 * and taken it away; LIVE_DIED leaves the file to be retired by somebody.
 *
 * DPC_OK with *end. DPC_E_CONFLICT: the run contradicts what an earlier one gave.
 * DPC_E_CORRUPT, DPC_E_VERSION: the file is damaged, or cannot be understood;
 * some of it may have gone out. DPC_E_IO: a stream takes no more, or the file
 * cannot be read. */
int live_follow(enum live_end *end, struct live *l, int fd, int64_t deadline, dpc_error *err);

#endif
