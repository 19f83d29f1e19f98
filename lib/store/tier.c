/* Two stores as one: a near one, in a file of the home, in front of a far one on a server.
 *
 * The far one is the truth. What came from there, or was put there, is kept near as well, and
 * answers for as long as the URL's l1_ttl says; a near entry's `created` is when that was.
 * Puts and removals go to both. Near there are only capsules in one piece of up to
 * NEAR_LIMIT; more is not copied.
 *
 * Each of the two may be missing: without the near one, or with a damaged one, all is asked
 * of the server; without the server the near one answers as long as it may. */
#include "buf.h"
#include "key.h"
#include "store.h"

#include <stdlib.h>
#include <string.h>

enum { NEAR_LIMIT = 8 << 20 };

struct side {
	const struct store_ops *ops;
	void *self; /* NULL: not open, and … */
	dpc_error why; /* … why */
};

struct tier {
	const struct home *home;
	struct side near, far;
};

/* --- opening --- */

static int open_side(struct side *s, enum engine engine, const struct home *h, enum store_access access)
{
	int rc = store_find_engine(&s->ops, engine, &s->why);
	if (rc == DPC_OK)
		rc = s->ops->open(&s->self, h, access, &s->why);
	if (rc == DPC_E_NOTFOUND && access == STORE_ALONE)
		rc = s->ops->open(&s->self, h, STORE_CREATE, &s->why);
	if (rc != DPC_OK)
		s->self = NULL;
	return rc;
}

static void close_side(struct side *s)
{
	if (s->self)
		s->ops->close(s->self);
}

static void tier_close(void *self)
{
	struct tier *t = self;
	close_side(&t->near);
	close_side(&t->far);
	free(t);
}

static int tier_open(void **self, const struct home *h, enum store_access access, dpc_error *err)
{
	struct tier *t = calloc(1, sizeof *t);
	if (!t)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	t->home = h;
	int near = open_side(&t->near, h->near, h, access), far = open_side(&t->far, h->far, h, access);
	if (near != DPC_OK && far != DPC_OK) {
		dpc__fail(err, far, "%s", t->far.why.message);
		tier_close(t);
		return far;
	}
	*self = t;
	return DPC_OK;
}

/* The far one's own, or why there is none. */
static int far_is_missing(const struct tier *t, dpc_error *err)
{
	return t->far.self ? DPC_OK : dpc__fail(err, t->far.why.code, "%s", t->far.why.message);
}

static const char *version(void)
{
	return "of two";
}

/* --- the near one; whatever fails there is no loss --- */

static bool is_recent(const struct tier *t, const struct digest *key)
{
	struct entry_info there;
	if (!t->near.self || t->near.ops->look(t->near.self, key, &there, NULL) != DPC_OK)
		return false;
	int64_t age = clock_wall_ns() - there.created;
	return age >= 0 && age <= t->home->net.l1_ttl;
}

static void drop_near(const struct tier *t, const struct digest *key)
{
	struct buf none = {0};
	if (t->near.self)
		t->near.ops->remove(t->near.self, key, &none, NULL);
	buf_release(&none);
}

/* Under the write lock. */
static void keep_near(const struct tier *t, const struct entry_info *info, struct slice capsule)
{
	struct entry_info copy = *info;
	struct buf none = {0};
	if (!t->near.self)
		return;
	copy.created = clock_wall_ns();
	copy.file = NULL;
	copy.grant = NULL;
	if (info->file || capsule.size > NEAR_LIMIT || !t->home->net.l1_ttl ||
	    t->near.ops->put(t->near.self, &copy, capsule, &none, NULL) != DPC_OK)
		drop_near(t, &info->key);
	buf_release(&none);
}

/* What the capsule itself tells of the entry. false: it is none. */
static bool describe(struct entry_info *info, struct slice capsule)
{
	struct capsule c;
	struct capsule_meta m;
	if (capsule_decode_head(&c, capsule.data, capsule.size, NULL) != DPC_OK || c.meta_size > capsule.size - CAPSULE_HEAD)
		return false;
	struct slice meta = {capsule.data + CAPSULE_HEAD, (size_t)c.meta_size};
	if (capsule_decode_meta(&m, &c, meta, NULL) != DPC_OK)
		return false;
	*info = (struct entry_info){.key = c.key,
	                            .question = question_hash(m.question),
	                            .ttl = c.ttl,
	                            .grace = c.grace,
	                            .generation = c.generation,
	                            .cost = c.cost,
	                            .output_size = c.output_size,
	                            .stored_size = capsule_size(&c),
	                            .status = c.status,
	                            .flags = c.flags,
	                            .label = m.label};
	return true;
}

/* A convenience: not worth waiting for the lock, nor is it had by who reads under it. */
static void promote(const struct tier *t, struct slice capsule)
{
	struct entry_info info;
	if (!describe(&info, capsule))
		return;
	int lock = home_lock(t->home, 0, NULL);
	if (lock < 0)
		return;
	struct tier writer = {.home = t->home};
	if (open_side(&writer.near, t->home->near, t->home, STORE_ALONE) == DPC_OK)
		keep_near(&writer, &info, capsule);
	close_side(&writer.near);
	home_unlock(lock);
}

/* --- entries --- */

static int get(void *self, const struct digest *key, struct buf *capsule, struct buf *file, dpc_error *err)
{
	struct tier *t = self;
	size_t before = capsule->size;
	if (is_recent(t, key) && t->near.ops->get(t->near.self, key, capsule, file, NULL) == DPC_OK)
		return DPC_OK;
	capsule->size = before;
	int rc = far_is_missing(t, err);
	if (rc == DPC_OK)
		rc = t->far.ops->get(t->far.self, key, capsule, file, err);
	if (rc == DPC_OK && !capsule->failed)
		promote(t, (struct slice){capsule->data + before, capsule->size - before});
	return rc;
}

static int put(void *self, const struct entry_info *info, struct slice capsule, struct buf *old_file, dpc_error *err)
{
	struct tier *t = self;
	int rc = far_is_missing(t, err);
	if (rc == DPC_OK)
		rc = t->far.ops->put(t->far.self, info, capsule, old_file, err);
	/* What the truth does not have is nobody's answer. */
	if (rc == DPC_OK)
		keep_near(t, info, capsule);
	else
		drop_near(t, &info->key);
	return rc;
}

static int remove_entry(void *self, const struct digest *key, struct buf *old_file, dpc_error *err)
{
	struct tier *t = self;
	drop_near(t, key);
	int rc = far_is_missing(t, err);
	return rc == DPC_OK ? t->far.ops->remove(t->far.self, key, old_file, err) : rc;
}

static int batch(void *self, bool begin, dpc_error *err)
{
	struct tier *t = self;
	if (t->near.self)
		t->near.ops->batch(t->near.self, begin, NULL);
	return t->far.self ? t->far.ops->batch(t->far.self, begin, err) : DPC_OK;
}

static int look(void *self, const struct digest *key, struct entry_info *info, dpc_error *err)
{
	struct tier *t = self;
	int rc = far_is_missing(t, err);
	return rc == DPC_OK ? t->far.ops->look(t->far.self, key, info, err) : rc;
}

static int each(void *self, store_visit_fn *visit, void *context, dpc_error *err)
{
	struct tier *t = self;
	int rc = far_is_missing(t, err);
	return rc == DPC_OK ? t->far.ops->each(t->far.self, visit, context, err) : rc;
}

/* --- counting --- */

static int count(void *self, const struct counters *add, const struct event_record *hits, size_t n, dpc_error *err)
{
	struct tier *t = self;
	int rc = far_is_missing(t, err);
	return rc == DPC_OK ? t->far.ops->count(t->far.self, add, hits, n, err) : rc;
}

static int totals(void *self, struct counters *out, dpc_error *err)
{
	struct tier *t = self;
	int rc = far_is_missing(t, err);
	return rc == DPC_OK ? t->far.ops->totals(t->far.self, out, err) : rc;
}

static int reset_totals(void *self, dpc_error *err)
{
	struct tier *t = self;
	int rc = far_is_missing(t, err);
	return rc == DPC_OK ? t->far.ops->reset_totals(t->far.self, err) : rc;
}

/* --- health --- */

static int check(void *self, dpc_error *err)
{
	struct tier *t = self;
	int rc = t->near.why.code == DPC_E_CORRUPT ? dpc__fail(err, DPC_E_CORRUPT, "%s", t->near.why.message) : DPC_OK;
	if (rc == DPC_OK && t->near.self)
		rc = t->near.ops->check(t->near.self, err);
	if (rc == DPC_OK)
		rc = far_is_missing(t, err);
	return rc == DPC_OK ? t->far.ops->check(t->far.self, err) : rc;
}

struct outdated {
	const struct tier *tier;
	struct buf keys;
};

static int note_outdated(void *context, const struct entry_info *info)
{
	struct outdated *o = context;
	int64_t age = clock_wall_ns() - info->created;
	if (age < 0 || age > o->tier->home->net.l1_ttl)
		buf_put(&o->keys, &info->key, sizeof info->key);
	return o->keys.failed ? DPC_E_MEMORY : DPC_OK;
}

/* What is near and too old to answer goes. */
static int compact(void *self, dpc_error *err)
{
	struct tier *t = self;
	struct outdated o = {.tier = t};
	struct digest key;
	if (!t->near.self)
		return DPC_OK;
	int rc = t->near.ops->each(t->near.self, note_outdated, &o, err);
	for (size_t at = 0; rc == DPC_OK && at < o.keys.size; at += sizeof key) {
		memcpy(&key, o.keys.data + at, sizeof key);
		drop_near(t, &key);
	}
	buf_release(&o.keys);
	return rc == DPC_OK ? t->near.ops->compact(t->near.self, err) : rc;
}

static int quarantine(const struct home *h, char *moved, size_t size, dpc_error *err)
{
	return store_engine(h->near)->quarantine(h, moved, size, err);
}

/* --- among machines: as the far one has it --- */

static const struct remote_ops *far_remote(const struct home *h)
{
	return store_engine(h->far)->remote;
}

static int secret(uint8_t out[16], const struct home *h, dpc_error *err)
{
	return far_remote(h)->secret(out, h, err);
}

static int floor_now(uint64_t *out, void *self, bool raise, dpc_error *err)
{
	struct tier *t = self;
	int rc = far_is_missing(t, err);
	return rc == DPC_OK ? far_remote(t->home)->floor(out, t->far.self, raise, err) : rc;
}

static int acquire(struct grant *g, int64_t *left, void *self, dpc_error *err)
{
	struct tier *t = self;
	int rc = far_is_missing(t, err);
	return rc == DPC_OK ? far_remote(t->home)->acquire(g, left, t->far.self, err) : rc;
}

static int renew(const struct grant *g, void *self, dpc_error *err)
{
	struct tier *t = self;
	return far_remote(t->home)->renew(g, t->far.self, err);
}

static int release(const struct grant *g, void *self, dpc_error *err)
{
	struct tier *t = self;
	return far_remote(t->home)->release(g, t->far.self, err);
}

struct tier_ear {
	const struct remote_ops *remote;
	void *ear;
};

static int listen_to(void **ear, const struct digest *key, const struct home *h, dpc_error *err)
{
	struct tier_ear *e = calloc(1, sizeof *e);
	*ear = NULL;
	if (!e)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	e->remote = far_remote(h);
	int rc = e->remote->listen(&e->ear, key, h, err);
	if (rc == DPC_OK)
		*ear = e;
	else
		free(e);
	return rc;
}

static int hear(void *ear, int64_t deadline, dpc_error *err)
{
	struct tier_ear *e = ear;
	return e->remote->hear(e->ear, deadline, err);
}

static void close_ear(void *ear)
{
	struct tier_ear *e = ear;
	if (e)
		e->remote->close_ear(e->ear);
	free(e);
}

static const struct remote_ops tier_remote = {
    .secret = secret,
    .floor = floor_now,
    .acquire = acquire,
    .renew = renew,
    .release = release,
    .listen = listen_to,
    .hear = hear,
    .close_ear = close_ear,
};

const struct store_ops store_tier = {
    .name = "tier",
    .version = version,
    .open = tier_open,
    .close = tier_close,
    .get = get,
    .put = put,
    .remove = remove_entry,
    .batch = batch,
    .look = look,
    .each = each,
    .count = count,
    .totals = totals,
    .reset_totals = reset_totals,
    .check = check,
    .compact = compact,
    .quarantine = quarantine,
    .remote = &tier_remote,
};
