/* One run per key among all machines that share a store: whoever leads on his machine
 * contends for the key's lease with those who lead on theirs.
 *
 *   lease_contend ─┬─ LEASE_HELD       run; lease_tick now and then; the put is under
 *                  │                   lease->grant; lease_end
 *                  ├─ LEASE_ENDED      another machine's run is over: look, and contend again
 *                  ├─ LEASE_TIMED_OUT  it is still at work
 *                  └─ LEASE_NONE       nobody else can be asked: one run per machine is what
 *                                      there can be
 *
 * One thread. Nothing of it is left open where it was not held. */
#ifndef DPC_LEASE_H
#define DPC_LEASE_H

#include "store.h"

struct lease {
	struct store store;  /* open while `held` or awaited */
	struct grant grant;
	bool held, lost;
	void *ear;           /* what hears of another's end; NULL: none yet */
	int64_t renew_at;    /* clock_mono_ns */
};

#define LEASE_NONE_YET ((struct lease){.store = {.lock = -1}})

enum lease_outcome { LEASE_HELD, LEASE_ENDED, LEASE_TIMED_OUT, LEASE_NONE };

/* Does a store that lies here need one? */
bool lease_is_needed(const struct home *h);

/* Wait up to `deadline` (clock_mono_ns; DPC_FOREVER; 0: not at all). For LEASE_NONE *err says
 * why. `waiting`, where it is not NULL, is called about every tenth of a second. */
enum lease_outcome lease_contend(struct lease *l, const struct home *h, const struct digest *key, int64_t deadline,
                                 void (*waiting)(void *context), void *context, dpc_error *err);

/* While it is held: renew it when it is time for that. The next time, clock_mono_ns;
 * DPC_FOREVER when there is none. Waits for the server no longer than remote_ops.renew does. */
int64_t lease_tick(struct lease *l);

/* Give it back, or stop to wait. Harmless where there is none. */
void lease_end(struct lease *l);

#endif
