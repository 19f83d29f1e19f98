/* Hits, misses and their kin, noted by one small append each, so that a hit
 * never opens the database for writing. Counted into the store now and then
 * (stats.h); losing the last few in a crash is fine. */
#ifndef DPC_EVENTS_H
#define DPC_EVENTS_H

#include "buf.h"
#include "hash.h"
#include "home.h"

enum event {
	EVENT_HIT = 1,    /* answered from what was remembered */
	EVENT_FOLLOW = 2, /* answered from another's run */
	EVENT_MISS = 3,   /* ran, and the result was kept */
	EVENT_FAILURE = 4, /* ran, and the result was a failure not kept */
	EVENT_UNCACHED = 5, /* ran, and the result could not be kept */
	EVENT_STALE = 6,    /* answered from what was remembered, though past its ttl */
	EVENT_REFUSED = 7,  /* what a server had was not signed by a key that is believed */
	EVENT_COUNT
};

enum { EVENT_SIZE = 40, EVENTS_ENOUGH = 1 << 20 };

struct event_record {
	enum event event;
	struct digest key;
	int64_t time;  /* wall clock, ns */
	int64_t saved; /* ns the caller did not have to spend */
};

/* Append; returns the log's size afterwards, 0 when it could not be done.
 * Beyond EVENTS_ENOUGH it is time to count. */
uint64_t events_append(const struct home *h, enum event event, const struct digest *key, int64_t saved);

/* One record from EVENT_SIZE bytes; false for a torn one. */
bool events_decode(struct event_record *r, const uint8_t *bytes);

/* Take the log away to read it: contents in `out`. Under the write lock. */
int events_take(struct buf *out, const struct home *h, dpc_error *err);

#endif
