/* What differ.c and differ_inputs.c share: two lists of named things, and what comes
 * out. Private to them. */
#ifndef DPC_DIFFER_ITEMS_H
#define DPC_DIFFER_ITEMS_H

#include "differ.h"

struct item {
	struct slice name, value;
	enum observation_kind kind; /* of an observation */
	int sort;                   /* only one of the same is its like */
	bool paired;
};

struct items {
	struct item *v; /* NULL: out of memory, and told */
	size_t count;
};

/* Room for `most`, none of it counted; v is the caller's to free. */
struct items items_of(size_t most, struct differences *d);

/* Tell of each pair, then of what is left over; NULL stands for what a side has not. */
typedef void pair_fn(struct differences *d, int context, const struct item *was, const struct item *now);
void items_pair_up(struct differences *d, int context, struct items *was, struct items *now, pair_fn *tell);

void differences_add(struct differences *d, const struct difference *one);

#endif
