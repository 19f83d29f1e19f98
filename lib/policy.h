/* How a caller wants to be answered: times and limits. Never stored; two
 * callers may judge the same entry differently. */
#ifndef DPC_POLICY_H
#define DPC_POLICY_H

#include "parse.h"

struct policy {
	int64_t ttl;      /* fresh while age <= ttl; ns or DPC_FOREVER */
	int64_t ttl_fail; /* the same for exits outside cache_exit; 0: never kept */
	struct exit_set cache_exit;
	int64_t stale;    /* past the ttl: served so long still, while one refreshes; ns */
	int64_t stale_if_error; /* past the ttl: so long, should a run fail; ns */
	double early;     /* beta of the refresh ahead of expiry (lookup.h); 0: none */
	int jitter;       /* percent of the ttl by which an entry's is shortened at most */
	int64_t wait;     /* patience with a leader; DPC_FOREVER: no limit */
	int64_t max_run;  /* the command is ended after it; 0: no limit */
	uint64_t max_output; /* bytes that are kept at most */
	bool refresh;     /* do not read, do write */
	bool no_write;    /* do not write */
	bool no_coalesce; /* no lock: run beside others */
};

/* How long past its ttl a result may still be of use. */
static inline int64_t policy_grace(const struct policy *p)
{
	return p->stale > p->stale_if_error ? p->stale : p->stale_if_error;
}

#endif
