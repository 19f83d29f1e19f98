/* held: the store that a handle of the library keeps open between its calls, and the
 * state that it goes by.
 *
 * Sequence, for each call: held_renew; then, to read, held_open; or, to write, held_lock,
 * held_renew once more, held_open_locked, …, home_unlock.
 *
 * What makes that safe:
 * - Whether the state is another now can be told at next to no cost (struct state_view), so
 *   it is before each call; an invalidation is seen by the very next one.
 * - Before another file takes the place of the store's, the state is written anew, under the
 *   write lock (store_disown); the store is then opened anew, under the same lock, when that
 *   is over. So nobody reads on in a file that counts no more.
 * - Each read is a transaction of its own, and none is open between calls: what others have
 *   committed or removed is seen at once, and they are not kept from shortening their log.
 * - In a child the store counts as not open (process.h).
 *
 * Only with an engine that `keeps` (store.h). For one thread at a time. */
#ifndef DPC_HELD_H
#define DPC_HELD_H

#include "store.h"

struct held {
	struct home *home;       /* borrowed; its state is kept up to date */
	const struct store_ops *ops; /* of its engine */
	struct store store;      /* self NULL: none is open */
	struct state_view view;
	uint64_t process;        /* whose store it is */
	bool wrote;              /* since it was opened */
	uint64_t opened;         /* how often */
	int64_t joined;          /* in front of a server: when it was last asked what holds for all; clock_mono_ns */
};

/* For a home that is open. Nothing else is, yet. */
void held_init(struct held *h, struct home *home);

/* Whatever is open is closed; what was put off when writing is done first, if the write
 * lock can be had at once. */
void held_close(struct held *h);

/* The state as it is now. Codes as of state_read. */
int held_renew(struct held *h, dpc_error *err);

/* The store, ready to be read. DPC_MISS: there is none. DPC_E_BUSY: not now. */
int held_open(struct held *h, dpc_error *err);

/* Two stamps of what is in the open store: now, and as it was last read. What was read under
 * one that is still in force has not been touched by anybody since. 0: unknown. */
void held_stamps(int64_t *now, int64_t *read, const struct held *h);

/* The write lock, where such a store has one: a descriptor for home_unlock in *lock. */
int held_lock(int *lock, const struct held *h, dpc_error *err);

/* Under it: the store, to be written to; made where there is none. */
int held_open_locked(struct held *h, dpc_error *err);

/* It gave an error: begin anew the next time. */
void held_drop(struct held *h);

#endif
