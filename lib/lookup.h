/* Policy + entry + clock → verdict. The one place that decides whether a
 * remembered run answers a question; whoever wants to explain asks here. */
#ifndef DPC_LOOKUP_H
#define DPC_LOOKUP_H

#include "capsule.h"
#include "policy.h"
#include "state.h"

enum verdict {
	VERDICT_FRESH,
	VERDICT_EXPIRED,     /* older than this caller's ttl */
	VERDICT_FAILED,      /* a failure, and older than ttl_fail */
	VERDICT_FUTURE,      /* made after now: the clock was set back */
	VERDICT_INVALIDATED  /* below the floor, or voided */
};

/* *age is set in every case, in ns. */
enum verdict lookup_judge(int64_t *age, const struct capsule *c, const struct policy *p,
                          const struct state *s);

/* The ttl that applies to a run that ended with this status: 0 means it is
 * not worth keeping. */
int64_t lookup_ttl(const struct policy *p, int32_t wait_status);

/* A verdict in a word or two, for logs. */
const char *lookup_verdict_name(enum verdict v);

#endif
