/* Policy + entry + clock → verdict. The one place that decides whether a
 * remembered run answers a question; whoever wants to explain asks here. */
#ifndef DPC_LOOKUP_H
#define DPC_LOOKUP_H

#include "capsule.h"
#include "policy.h"
#include "state.h"

enum verdict {
	VERDICT_FRESH,
	VERDICT_EARLY,       /* fresh, and this caller is the one to refresh it ahead */
	VERDICT_STALE,       /* past the ttl, within the window: served while one refreshes */
	VERDICT_FOR_ERROR,   /* past the ttl: served only should a run fail */
	VERDICT_EXPIRED,     /* older than this caller's ttl and windows */
	VERDICT_FAILED,      /* a failure, and older than ttl_fail */
	VERDICT_FUTURE,      /* made after now: the clock was set back */
	VERDICT_INVALIDATED  /* below the floor, or voided */
};

/* Is the answer given at once? */
static inline bool verdict_serves(enum verdict v)
{
	return v <= VERDICT_STALE;
}

/* Is it a good result, though too old: something to fall back on? */
static inline bool verdict_is_old(enum verdict v)
{
	return v == VERDICT_FOR_ERROR || v == VERDICT_EXPIRED;
}

/* *age is set in every case, in ns.
 *
 * Early refresh is XFetch (Vattani, Chierichetti, Lowenstein: Optimal
 * Probabilistic Cache Stampede Prevention, VLDB 2015): with delta the time the
 * run took and U uniform in (0,1], refresh when -delta * beta * ln U is at least
 * the time left. Jitter shortens each entry's ttl by a share that hangs on the
 * entry alone, so that all callers agree on it. */
enum verdict lookup_judge(int64_t *age, const struct capsule *c, const struct policy *p,
                          const struct state *s);

/* What is left of the ttl that counts for such an entry, jitter taken off, at this
 * age; ns, negative: so long past it; DPC_FOREVER. */
int64_t lookup_left(const struct capsule *c, const struct policy *p, int64_t age);

/* The rule itself: `random` stands for U, as 64 random bits. */
bool lookup_is_early(int64_t left, int64_t delta, double beta, uint64_t random);

/* The ttl that applies to a run that ended with this status: 0 means it is
 * not worth keeping. */
int64_t lookup_ttl(const struct policy *p, int32_t wait_status);

/* A verdict in a word or two, for logs. */
const char *lookup_verdict_name(enum verdict v);

#endif
