/* What a process remembers by itself: bytes under keys, bounded, gone with it. Knows
 * nothing of what the bytes are.
 *
 * Beyond its limit the one goes that nobody has asked for since it was last passed over
 * (SIEVE: Zhang, Yang, Yue, Vigfusson, Rashmi: SIEVE is Simpler than LRU, NSDI 2024):
 * asking for one sets a mark and moves nothing.
 *
 * For one thread at a time. */
#ifndef DPC_MEMORY_H
#define DPC_MEMORY_H

#include "buf.h"
#include "hash.h"

struct memory;

/* `limit` in bytes, all that is needed to keep an item included. NULL when out of memory. */
struct memory *memory_new(size_t limit);
void memory_free(struct memory *m); /* NULL is allowed */

/* Keep a copy, in place of what was there. `now` is the caller's clock, ns. false, and
 * nothing is there any more, where it is larger than the limit or there is no memory. */
bool memory_put(struct memory *m, const struct digest *key, struct slice bytes, int64_t now);

/* What was put at most `age` ns before `now`; what is older goes. Borrowed until the next
 * change; it may be written to. NULL: none. */
uint8_t *memory_get(size_t *size, struct memory *m, const struct digest *key, int64_t now, int64_t age);

/* false: there was none. */
bool memory_remove(struct memory *m, const struct digest *key);

/* All of them, the one put longest ago first, until the visitor, who must not change
 * anything, returns anything but 0; that is then the result. */
typedef int memory_visit_fn(void *context, const struct digest *key, struct slice bytes);
int memory_each(const struct memory *m, memory_visit_fn *visit, void *context);

size_t memory_count(const struct memory *m);
size_t memory_bytes(const struct memory *m);

#endif
