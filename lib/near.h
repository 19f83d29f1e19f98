/* near: answers that a handle of the library has seen lately, in its own memory: of each
 * the head, the question and the value, so that it is judged anew each time. */
#ifndef DPC_NEAR_H
#define DPC_NEAR_H

#include "ask.h"
#include "memory.h"

/* What was kept under the asking's key and still serves: the value, borrowed from `m`, and the
 * entry's ttl and age. `now` and `age` as of memory_get. DPC_MISS. */
int near_find(struct slice *value, int64_t *ttl, int64_t *entry_age, struct memory *m, struct ask *a, int64_t now,
              int64_t age);

/* Keep it, or at least nothing older. */
void near_keep(struct memory *m, const struct ask *a, const struct capsule *c, struct slice value, int64_t now);

#endif
