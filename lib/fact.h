/* Facts: observations that each can be made again by themselves, knowing but their
 * kind and path. What a traced run depended on is a list of facts; whether it still
 * holds is asked of one after the other. */
#ifndef DPC_FACT_H
#define DPC_FACT_H

#include "input.h"

/* What is needed to look: borrowed. */
struct looker {
	struct digests *digests;
	const uint8_t *secret; /* 16 bytes, state.h */
};

/* Add the fact of this kind as it is now. DPC_MISS where there is nothing of the
 * kind (any more): nothing was added then. Else DPC_E_IO, DPC_E_DENIED. */
int fact_add(struct observations *o, const struct looker *l, enum observation_kind kind, const char *path,
             dpc_error *err);

/* Is it, without reading any content, certainly as it was? `t` is the tuple under
 * which it was seen. Asked, too, of observations that are no facts. */
bool fact_unchanged(const struct stored_observation *o, const struct tuple *t, const uint8_t *secret);

/* Metadata in a digest: all that a program may have gone by, times included; or
 * only what does not change with the content. */
struct digest fact_of_metadata(const struct stat *st, bool with_content);

#endif
