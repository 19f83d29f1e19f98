/* Totals: the event log counted into the store. */
#ifndef DPC_STATS_H
#define DPC_STATS_H

#include "store.h"

/* Count what the log holds. Takes the write lock; DPC_OK also when there is
 * nothing to count. */
int stats_count(const struct home *h, dpc_error *err);

#endif
