/* Making room: what has expired first, then what was used longest ago. */
#ifndef DPC_PRUNE_H
#define DPC_PRUNE_H

#include "store.h"

struct prune {
	uint64_t max_size;    /* bytes of capsules to stay within; UINT64_MAX: no limit */
	uint64_t max_entries; /* UINT64_MAX: no limit */
	uint64_t count, bytes; /* out: what was dropped */
};

/* Drop entries past their writer's ttl and those invalidated, then the least
 * recently used until within the limits; then give the space back. */
int prune_cache(struct prune *p, const struct home *h, dpc_error *err);

#endif
