/* memcached: the engine's parts, between its own files.
 *
 *   dpc:NS:KEY:v      the entry: a front and an envelope (envelope.h), or the beginning of one
 *   dpc:NS:KEY:ID:n   what does not fit into an item of the server's: its pieces, from 1 on
 *   dpc:NS:KEY:l      who runs it: "FENCE:TOKEN"
 *   dpc:NS:KEY:f      the last fencing number
 *   dpc:NS:count-n    counters
 *   dpc:NS:floor      generation in force, in us
 *
 * A front is
 *
 *   "DPM1"   the version
 *   u64      size of the envelope; 0: there is none, but somebody is about to put one
 *   16       id, random: whose pieces are meant
 *
 * Pieces are written before the entry that names them, and never changed; so what is read by
 * one id is of one put. One that is not there, for it was dropped by the server or goes with
 * an entry just replaced, makes the entry a miss. What came together wrongly all the same has
 * not the sum that stands in the envelope's signed head. */
#ifndef DPC_MEMCACHED_H
#define DPC_MEMCACHED_H

#include "envelope.h"
#include "memcached_link.h"

struct mc_store {
	struct mc_link *link;
	const struct home *home;
	struct signer *signer; /* NULL: unsigned */
};

/* DPC_E_DENIED for a store that is only to be read. */
int mc_refuse_writing(const struct mc_store *s, dpc_error *err);

/* --- entries in pieces --- */

struct mc_front {
	struct digest id;
	uint64_t size;     /* of the envelope */
	struct slice here; /* its beginning; borrowed */
};

/* DPC_MISS for one that has no envelope; DPC_E_CORRUPT, DPC_E_VERSION. */
int mc_front_of(struct mc_front *f, struct slice item, dpc_error *err);

/* The envelope, appended. DPC_MISS. */
int mc_read(struct buf *envelope, struct mc_link *l, const struct digest *key, dpc_error *err);

/* Writes the envelope's pieces, if it has any, and the item that is to become the entry. */
int mc_write_pieces(struct buf *item, struct mc_link *l, const struct digest *key, struct slice envelope,
                    time_t expiry, dpc_error *err);

/* An item that only holds the place. */
int mc_placeholder(struct buf *item, dpc_error *err);

/* The pieces that an item names, as far as they are there. */
void mc_drop_pieces(struct mc_link *l, const struct digest *key, struct slice item);

/* --- the lease; and remote_ops, see store.h --- */

/* Is it held? DPC_OK, DPC_MISS. */
int mc_lease_holds(struct mc_link *l, const struct grant *g, dpc_error *err);

extern const struct remote_ops memcached_remote;

#endif
