/* Leader or follower: what a caller that found no answer does next.
 *
 *   dogpile_join ─┬─ LEAD        look again; then run, and lock_retire the fd
 *                 ├─ FOLLOW      the fd holds that run's complete capsule
 *                 ├─ LOOK_AGAIN  the answer has appeared: recall, then join again
 *                 ├─ ALONE       the run cannot be shared, or waiting for it would
 *                 │              close a circle: run without a lock
 *                 └─ TIMED_OUT   `wait` is over and the leader still at work
 *
 * A leader that dies by any signal frees its flock; those who wake find its
 * capsule unfinished, one of them retires the file, and all join again. */
#ifndef DPC_DOGPILE_H
#define DPC_DOGPILE_H

#include "capsule.h"
#include "home.h"

enum role { ROLE_LEAD, ROLE_FOLLOW, ROLE_LOOK_AGAIN, ROLE_ALONE, ROLE_TIMED_OUT };

/* h->state tells what had been invalidated when the caller came: a run that
 * began before is waited for, but its result not taken.
 *
 * *fd is the caller's to close (LEAD: lock_retire) for LEAD and FOLLOW, else
 * -1. `deadline` in clock_mono_ns. With `must_lead` only the result of a run is
 * taken that began after this call. DPC_E_IO when there can be no lock. */
int dogpile_join(enum role *role, int *fd, const struct home *h, const struct digest *key,
                 int64_t deadline, bool must_lead, dpc_error *err);

/* Take the lead of `key` if nobody has it, without waiting: 1 with the descriptor
 * in *fd, 0 when somebody leads, -1 with errno. */
int dogpile_try(int *fd, const struct home *h, const struct digest *key);

#endif
