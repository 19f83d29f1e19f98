#include "prune.h"

#include "vault.h"

struct sweep {
	struct prune *prune;
	const struct home *home;
	int64_t now;
	uint64_t left_entries, left_bytes;
};

/* Past the ttl, and past the time for which a stale one is of use. */
static bool is_past_use(const struct entry_info *e, int64_t now)
{
	return e->ttl != DPC_FOREVER && e->grace != DPC_FOREVER && now - e->created - e->ttl > e->grace;
}

static bool expired(void *context, const struct entry_info *e)
{
	struct sweep *s = context;
	bool stale = e->generation < s->home->state.floor || is_past_use(e, s->now);
	if (!stale) {
		s->left_entries++;
		s->left_bytes += e->stored_size;
	}
	return stale;
}

/* Entries come in order of last use, so the first are the ones to go. */
static bool beyond_limits(void *context, const struct entry_info *e)
{
	struct sweep *s = context;
	if (s->left_bytes <= s->prune->max_size && s->left_entries <= s->prune->max_entries)
		return false;
	s->left_bytes -= e->stored_size;
	s->left_entries--;
	return true;
}

static int compact(const struct home *h, dpc_error *err)
{
	struct store s;
	int lock = home_lock(h, HOME_PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = store_open(&s, h, false, err);
	if (rc == DPC_OK)
		rc = store_refilter(&s, err);
	if (rc == DPC_OK)
		rc = store_compact(&s, err);
	store_close(&s);
	home_unlock(lock);
	return rc;
}

int prune_cache(struct prune *p, const struct home *h, dpc_error *err)
{
	struct sweep s = {.prune = p, .home = h, .now = clock_wall_ns()};
	p->count = p->bytes = 0;
	int rc = vault_remove_if(h, expired, &s, &p->count, &p->bytes, err);
	if (rc == DPC_OK)
		rc = vault_remove_if(h, beyond_limits, &s, &p->count, &p->bytes, err);
	return rc == DPC_OK && p->count ? compact(h, err) : rc;
}
