#include "store.h"

#include "account.h"
#include "plugin.h"
#include "present.h"
#include "shelf.h"

/* The Makefile says which libraries there are. */
static const struct store_ops *const engines[ENGINE_COUNT] = {
    [ENGINE_SQLITE] = &store_sqlite,
    [ENGINE_MEM] = &store_mem,
    [ENGINE_TIER] = &store_tier,
#ifdef WITH_LMDB
    [ENGINE_LMDB] = &store_lmdb,
#endif
};

int store_find_engine(const struct store_ops **out, enum engine engine, dpc_error *err)
{
	int rc = DPC_E_NOTFOUND;
	*out = engines[engine];
	if (*out)
		return DPC_OK;
	if (engine_names[engine].object)
		rc = plugin_load(out, engine, err);
	if (rc == DPC_E_NOTFOUND)
		rc = dpc__fail(err, DPC_E_USAGE, "the store %s: is not built into this dpcache",
		               engine_names[engine].scheme);
	return rc;
}

const struct store_ops *store_engine(enum engine engine)
{
	const struct store_ops *ops;
	return store_find_engine(&ops, engine, NULL) == DPC_OK ? ops : NULL;
}

int store_locate(struct home *h, const char *url, dpc_error *err)
{
	const struct store_ops *ops;
	int rc = home_locate(h, url, account_home, err);
	if (rc != DPC_OK || h->engine == ENGINE_NULL)
		return rc;
	/* Of a tier both; each is itself elsewhere. */
	rc = store_find_engine(&ops, h->near, err);
	return rc == DPC_OK ? store_find_engine(&ops, h->far, err) : rc;
}

int store_look_only(struct store *s, const struct home *h, dpc_error *err)
{
	*s = (struct store){.ops = store_engine(h->engine), .home = h, .lock = home_lock(h, HOME_PATIENCE, err)};
	return s->lock < 0 ? s->lock : s->ops->open(&s->self, h, STORE_LOOK, err);
}

int store_open(struct store *s, const struct home *h, bool create, dpc_error *err)
{
	*s = (struct store){.ops = store_engine(h->engine), .home = h, .lock = -1};
	dpc_error why = {0};
	int rc = s->ops->open(&s->self, h, create ? STORE_ALONE : STORE_SHARED, &why);
	if (rc == DPC_OK)
		return rc;
	/* Not there is no error when it is to be made. */
	if (rc != DPC_E_NOTFOUND || !create)
		return dpc__fail(err, rc, "%s", why.message);
	/* Nothing is in it, whatever an earlier one left: the filter says so, and
	 * what is still on the shelf could not be removed any more. */
	shelf_clear(h);
	present_end(h, present_begin(h), true);
	rc = store_disown(h, err);
	return rc == DPC_OK ? s->ops->open(&s->self, h, STORE_CREATE, err) : rc;
}

int store_open_kept(struct store *s, const struct home *h, dpc_error *err)
{
	*s = (struct store){.ops = store_engine(h->engine), .home = h, .lock = -1};
	return s->ops->open(&s->self, h, STORE_KEPT, err);
}

int store_disown(const struct home *h, dpc_error *err)
{
	struct state now;
	if (h->mem)
		return DPC_OK;
	int rc = state_read(&now, h->fd, err);
	return rc == DPC_OK ? state_write(&now, h->fd, err) : rc;
}

bool store_maybe_has(const struct home *h, const struct digest *key)
{
	return present_maybe(h, key);
}

static int note_present(void *context, const struct entry_info *info)
{
	return present_note(*(const int *)context, &info->key) ? DPC_OK : DPC_E_IO;
}

int store_refilter(struct store *s, dpc_error *err)
{
	if (s->home->place)
		return DPC_OK;
	int fd = present_begin(s->home);
	int rc = fd < 0 ? DPC_E_IO : store_each(s, note_present, &fd, err);
	present_end(s->home, fd, rc == DPC_OK);
	return rc == DPC_E_IO ? DPC_OK : rc;
}

void store_close(struct store *s)
{
	if (s->self)
		s->ops->close(s->self);
	s->self = NULL;
	home_unlock(s->lock);
	s->lock = -1;
}

int store_get(struct store *s, const struct digest *key, struct buf *capsule, struct buf *file,
              dpc_error *err)
{
	return s->ops->get(s->self, key, capsule, file, err);
}

int store_put(struct store *s, const struct entry_info *info, struct slice capsule,
              struct buf *old_file, dpc_error *err)
{
	present_add(s->home, &info->key);
	return s->ops->put(s->self, info, capsule, old_file, err);
}

int store_remove(struct store *s, const struct digest *key, struct buf *old_file, dpc_error *err)
{
	return s->ops->remove(s->self, key, old_file, err);
}

int store_batch(struct store *s, bool begin, dpc_error *err)
{
	return s->ops->batch(s->self, begin, err);
}

int store_has(struct store *s, const struct digest *key, int64_t created, dpc_error *err)
{
	struct entry_info found;
	int rc = s->ops->look(s->self, key, &found, err);
	return rc == DPC_OK && found.created != created ? DPC_MISS : rc;
}

int store_look(struct store *s, const struct digest *key, struct entry_info *info, dpc_error *err)
{
	return s->ops->look(s->self, key, info, err);
}

int store_each(struct store *s, store_visit_fn *visit, void *context, dpc_error *err)
{
	return s->ops->each(s->self, visit, context, err);
}

int store_count(struct store *s, const struct counters *add, const struct event_record *hits,
                size_t hit_count, dpc_error *err)
{
	return s->ops->count(s->self, add, hits, hit_count, err);
}

int store_totals(struct store *s, struct counters *out, dpc_error *err)
{
	return s->ops->totals(s->self, out, err);
}

int store_reset_totals(struct store *s, dpc_error *err)
{
	return s->ops->reset_totals(s->self, err);
}

int store_check(struct store *s, dpc_error *err)
{
	return s->ops->check(s->self, err);
}

int store_compact(struct store *s, dpc_error *err)
{
	int rc = store_disown(s->home, err);
	return rc == DPC_OK ? s->ops->compact(s->self, err) : rc;
}
