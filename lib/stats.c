#include "stats.h"

#include <stdlib.h>

static void tally(struct counters *c, const struct event_record *r)
{
	static const enum counter counter_of[EVENT_COUNT] = {
	    [EVENT_HIT] = COUNTER_HITS,
	    [EVENT_FOLLOW] = COUNTER_FOLLOWS,
	    [EVENT_MISS] = COUNTER_MISSES,
	    [EVENT_FAILURE] = COUNTER_FAILURES,
	    [EVENT_UNCACHED] = COUNTER_UNCACHED,
	    [EVENT_STALE] = COUNTER_STALE,
	    [EVENT_REFUSED] = COUNTER_REFUSED,
	};
	c->v[counter_of[r->event]]++;
	if (r->saved > 0)
		c->v[COUNTER_SAVED_NS] += r->saved;
}

static int count_log(struct store *s, const struct buf *log, dpc_error *err)
{
	struct counters add = {{0}};
	size_t hits = 0;
	struct event_record *records = calloc(log->size / EVENT_SIZE + 1, sizeof *records);
	if (!records)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	for (size_t at = 0; at + EVENT_SIZE <= log->size; at += EVENT_SIZE) {
		struct event_record *r = &records[hits];
		if (!events_decode(r, log->data + at))
			continue;
		tally(&add, r);
		if (r->event == EVENT_HIT || r->event == EVENT_STALE)
			hits++;
	}
	int rc = store_count(s, &add, records, hits, err);
	free(records);
	return rc;
}

int stats_count(const struct home *h, dpc_error *err)
{
	struct store s;
	struct buf log = {0};
	int lock = home_lock(h, HOME_PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = store_open(&s, h, true, err);
	if (rc == DPC_OK) {
		rc = events_take(&log, h, err);
		if (rc == DPC_OK && log.size)
			rc = count_log(&s, &log, err);
		store_close(&s);
	}
	home_unlock(lock);
	buf_release(&log);
	return rc;
}
