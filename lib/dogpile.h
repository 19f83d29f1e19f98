/* Leader or follower: what a caller that found no answer does next.
 *
 *   dogpile_join ─┬─ LEAD        look again; then run, and lock_retire the fd
 *                 ├─ FOLLOW      the fd holds that run's complete capsule
 *                 ├─ SHOWN       the run's output went out as it came; caller->live has the rest
 *                 ├─ LOOK_AGAIN  the answer has appeared: recall, then join again
 *                 ├─ ALONE       the run cannot be shared, or waiting for it would
 *                 │              close a circle: run without a lock
 *                 └─ TIMED_OUT   `wait` is over and the leader still at work
 *
 * A leader that dies by any signal frees its flock, once its keeper (keeper.h) has
 * seen to it that nothing of its run is alive; those who wake find its
 * capsule unfinished, one of them retires the file, and all join again. */
#ifndef DPC_DOGPILE_H
#define DPC_DOGPILE_H

#include "capsule.h"
#include "home.h"
#include "live.h"

enum role { ROLE_LEAD, ROLE_FOLLOW, ROLE_SHOWN, ROLE_LOOK_AGAIN, ROLE_ALONE, ROLE_TIMED_OUT };

/* What a caller brings to the meeting; everything borrowed. */
struct caller {
	const struct home *h;     /* its state tells what had been invalidated when the caller came: a run
	                           * that began before is waited for, but its result not taken */
	const struct digest *key;
	int64_t deadline;         /* clock_mono_ns; DPC_FOREVER */
	int64_t max_run;          /* ns: whoever gives a run more time does not take the result of one that was
	                           * ended sooner; 0: all the time there is */
	bool must_lead;           /* take only the result of a run that began after the call, and let nobody
	                           * who comes later have an earlier one's */
	struct live *live;        /* show a run as it goes on; NULL: wait for its end */
	/* Is the run in this file of our question? Asked before it is shown. */
	bool (*matches)(void *context, int fd);
	/* Called now and then while waiting; NULL: not. */
	void (*waiting)(void *context, int fd);
	/* Called before the first byte is shown; NULL: not. */
	void (*relaying)(void *context);
	void *context;
};

/* *fd is the caller's to close (LEAD: lock_retire) for LEAD and FOLLOW, else -1.
 * DPC_E_IO when there can be no lock. DPC_E_CONFLICT, DPC_E_CORRUPT and others
 * when a run that was being shown cannot be gone on with: some of it went out. */
int dogpile_join(enum role *role, int *fd, const struct caller *who, dpc_error *err);

/* Does somebody lead `key`, as far as can be seen without making a file? */
bool dogpile_is_led(const struct home *h, const struct digest *key);

/* Take the lead of `key` if nobody has it, without waiting: 1 with the descriptor
 * in *fd, 0 when somebody leads, -1 with errno. */
int dogpile_try(int *fd, const struct home *h, const struct digest *key);

#endif
