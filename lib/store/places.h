/* places: the order in which store_ops.each visits, for an engine that has no index
 * for it. What the order is made of is gathered first; the rest is looked up when its
 * turn comes. */
#ifndef DPC_PLACES_H
#define DPC_PLACES_H

#include "store.h"

struct place {
	struct digest key;
	int64_t last; /* use or creation, wall clock in ns */
	bool manifest;
};

/* `used`: when last, or 0. DPC_E_MEMORY. */
int places_add(struct buf *places, const struct entry_info *info, int64_t used, dpc_error *err);

/* Puts them in order; how many there are in *count. The result is `places`' own. */
const struct place *places_sort(struct buf *places, size_t *count);

#endif
