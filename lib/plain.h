/* plain: named values by way of a store that stays open (held.h): what the library's
 * handles get and put. The same keys, capsules and entries as by value.h, to which all
 * goes that the engine, or a value's size, is not made for.
 *
 * In front of the store there may be a memory of what this handle has seen lately: an
 * entry counts there for l1_ttl, and only as long as nothing was invalidated since. What
 * another process replaces or removes shows when that time is over; what this handle does,
 * at once.
 *
 * Without one, and where the engine tells of each commit (store_ops.commits), what was read is
 * remembered as well, but counts only until anybody commits anything: so nobody could tell. */
#ifndef DPC_PLAIN_H
#define DPC_PLAIN_H

#include "held.h"
#include "value.h"

struct plain {
	struct held held;
	struct memory *near; /* what was seen lately; NULL: none */
	struct memory *same; /* what was seen since the last commit, in stores that tell; or NULL */
	int64_t l1_ttl;      /* ns */
	struct buf spare;    /* for the next capsule */
};

/* Lays out nothing; `home` is open, and borrowed. l1_size: bytes of the memory in front of
 * the store; 0: none. DPC_E_MEMORY. To be ended with plain_end in any case. */
int plain_begin(struct plain *p, struct home *home, size_t l1_size, int64_t l1_ttl, dpc_error *err);
void plain_end(struct plain *p);

/* As of value_get; the value as heap memory of the caller's, never NULL with DPC_OK. */
int plain_get(uint8_t **value, uint64_t *size, struct plain *p, const struct value_name *n, int64_t ttl,
              dpc_error *err);

/* As of value_put and value_remove. */
int plain_put(struct plain *p, const struct value_name *n, int64_t ttl, struct slice value, dpc_error *err);
int plain_remove(struct plain *p, const struct value_name *n, dpc_error *err);

#endif
