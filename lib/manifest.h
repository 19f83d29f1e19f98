/* The manifest of a traced question: which sets of paths its results depended on.
 * What a command reads is known only once it has run; so a look-up goes two ways:
 *
 *   key (question and declared inputs) → manifest: path sets
 *   each set, looked at now → key of a result (key_of_bytes)
 *
 * There are several sets where what is read depends on what was read before. The
 * latest comes first; the oldest is forgotten. The shelf has no need of it: there
 * each result lies with all that it depends on.
 *
 *   sets, one behind the other:
 *     u32 number of facts, for each u8 kind and field path (with NUL) */
#ifndef DPC_MANIFEST_H
#define DPC_MANIFEST_H

#include "fact.h"

enum {
	MANIFEST_SETS = 16,
	MANIFEST_BYTES = 1 << 20,
	/* Inputs of one traced result, and bytes of their paths: with more it is not
	 * remembered. A hit asks after each of them. */
	TRACED_INPUTS = 8192,
	TRACED_BYTES = 512 << 10
};

/* `old` with the paths of `facts` in front, in place of the same set; `old` may be
 * empty. */
void manifest_add(struct buf *out, struct slice old, const struct observations *facts);

/* Take the next set off `sets` and look at each of its paths: `facts` is emptied
 * first. DPC_MISS when there is none left; DPC_E_NOTFOUND when something of the set
 * is not there any more, or cannot be looked at: another may do. */
int manifest_next(struct observations *facts, struct cursor *sets, const struct looker *l);

#endif
