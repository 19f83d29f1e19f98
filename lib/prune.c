#include "prune.h"

#include "pathset.h"
#include "vault.h"

/* The results of one question, and what leads to them where it is traced: a manifest
 * or several (manifest.h), of which no hit tells that they were of use. They go with
 * the last result. */
struct family {
	uint64_t results;
	uint64_t manifest_bytes;
	int64_t manifest_created; /* of the latest */
};

struct sweep {
	struct prune *prune;
	const struct home *home;
	int64_t now;
	uint64_t left_entries, left_bytes;
	struct pathset questions; /* in hex */
	struct buf families;      /* in the same order */
};

static bool is_manifest(const struct entry_info *e)
{
	return e->flags & CAPSULE_MANIFEST;
}

/* New ones have no results. NULL when out of memory. */
static struct family *family_of(struct sweep *s, const struct entry_info *e)
{
	static const struct family none;
	char question[DIGEST_HEX];
	digest_hex(question, &e->question);
	const struct pathset_entry *at = pathset_at(&s->questions, question);
	if (!at)
		return NULL;
	size_t offset = (size_t)(at - s->questions.v) * sizeof none;
	if (offset == s->families.size)
		buf_put(&s->families, &none, sizeof none);
	return s->families.failed ? NULL : (struct family *)(s->families.data + offset);
}

/* Past the ttl, and past the time for which a stale one is of use. */
static bool is_past_use(const struct entry_info *e, int64_t now)
{
	return e->ttl != DPC_FOREVER && e->grace != DPC_FOREVER && now - e->created - e->ttl > e->grace;
}

static void note_left(struct sweep *s, struct family *f, const struct entry_info *e)
{
	s->left_bytes += e->stored_size;
	if (!is_manifest(e)) {
		s->left_entries++;
		f->results++;
		return;
	}
	f->manifest_bytes += e->stored_size;
	if (e->created > f->manifest_created)
		f->manifest_created = e->created;
}

static bool expired(void *context, const struct entry_info *e)
{
	struct sweep *s = context;
	struct family *f = family_of(s, e);
	if (!f)
		return false;
	/* Manifests come behind all results. */
	bool stale =
	    is_manifest(e) ? !f->results : e->generation < s->home->state.floor || is_past_use(e, s->now);
	if (!stale)
		note_left(s, f, e);
	return stale;
}

/* Results come in order of last use, so the first are the ones to go. */
static bool beyond_limits(void *context, const struct entry_info *e)
{
	struct sweep *s = context;
	struct family *f = family_of(s, e);
	/* One that is later leads to a result that came meanwhile. */
	if (!f || is_manifest(e))
		return f && !f->results && e->created <= f->manifest_created;
	if (s->left_bytes <= s->prune->max_size && s->left_entries <= s->prune->max_entries)
		return false;
	s->left_entries--;
	s->left_bytes -= e->stored_size;
	if (f->results && !--f->results)
		s->left_bytes -= f->manifest_bytes;
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
	pathset_release(&s.questions);
	buf_release(&s.families);
	/* What a tier has near is not among what is listed. */
	return rc == DPC_OK && (p->bytes || h->engine == ENGINE_TIER) ? compact(h, err) : rc;
}
