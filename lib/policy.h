/* How a caller wants to be answered: times and limits. Never stored; two
 * callers may judge the same entry differently. */
#ifndef DPC_POLICY_H
#define DPC_POLICY_H

#include "parse.h"

struct policy {
	int64_t ttl;      /* fresh while age <= ttl; ns or DPC_FOREVER */
	int64_t ttl_fail; /* the same for exits outside cache_exit; 0: never kept */
	struct exit_set cache_exit;
	int64_t wait;     /* patience with a leader; DPC_FOREVER: no limit */
	int64_t max_run;  /* the command is ended after it; 0: no limit */
	uint64_t max_output; /* bytes that are kept at most */
	bool refresh;     /* do not read, do write */
	bool no_write;    /* do not write */
	bool no_coalesce; /* no lock: run beside others */
};

#endif
