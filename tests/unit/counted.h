/* The SQLite engine with a counter in front of each slot: the real one answers, and what
 * lies above the engines is seen to ask no more than it should. For programs that are linked
 * with --wrap=store_sqlite (unit.mk). */
#ifndef COUNTED_H
#define COUNTED_H

#include "store.h"

struct calls {
	unsigned opens, closes, gets, puts, removes, looks, batches;
	unsigned others; /* each, count, totals … */
	enum store_access access; /* of the last open */
};

/* Since they were last set to 0, by this process. */
extern struct calls calls;

/* Of all slots. */
unsigned calls_total(void);

#endif
