/* The memcached engine, for one or more servers: entries as items, signed (envelope.h), that
 * the servers may drop at any time. What is where: memcached.h.
 *
 * memcached can do one thing in one step with a comparison: change an item that has not been
 * changed since it was read (CAS). So a put under a grant takes this order, for an entry of
 * key K and a lease of key R, which are the same unless the run is traced:
 *
 *   1  read K's entry with its CAS number; where there is none, add a placeholder, and read that
 *   2  read R's lease: is it still ours? If not, nothing is stored
 *   3  put the entry in the place of exactly what was read in 1
 *
 *   K's item:  absent → placeholder → entry → entry …   (→ absent by expiry, eviction, removal)
 *   R's lease: absent → held → absent …
 *
 * No older grant stores over a later one. Say A's is older than B's, and A's step 3 comes after
 * B's. A's step 2 found A's lease, so it came before B was given his, hence before B's step 3;
 * and A's step 1 came before that. So B's step 3 changed K's item between A's steps 1 and 3: A's
 * number does not match any more. This holds however long A is paused, and wherever.
 *
 * Who is paused past his lease before step 2 finds it gone. Who is paused between 2 and 3, and
 * finds that nobody has stored, removed or even held K's place since, stores what was his when
 * he looked; whoever holds the lease by then stores over it. A placeholder lasts about as
 * long as a lease, so with nothing there before, nothing comes later than that.
 *
 * A removal takes the lease away first, and then the entry. Who looked at his lease before that
 * finds at step 3 that the item is gone, be it a placeholder; who looks later has none.
 *
 * CAS numbers begin anew with a server. So they are only used over the connection by which they
 * came (mc_item.epoch): that does not outlive its server. libmemcached makes a connection anew by
 * itself when it reads; between 1 and 3 that is the lease, which went with the server, too.
 *
 * Where step 3 fails, all is tried again from step 1, for the item may only have been dropped. A
 * lease that a server drops is lost to its holder, who stores nothing then. */
#include "memcached.h"

#include "plugin.h"
#include "sign.h"
#include "trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 16 };

static struct envelope_rules rules_of(const struct mc_store *s)
{
	const struct net *n = &s->home->net;
	return (struct envelope_rules){.signer = s->signer, .ns = n->ns, .zstd = n->zstd};
}

int mc_refuse_writing(const struct mc_store *s, dpc_error *err)
{
	const struct slice *hosts = &s->home->net.hosts;
	if (!s->home->net.read_only)
		return DPC_OK;
	return dpc__fail(err, DPC_E_DENIED, "memcached://%.*s: is opened for reading only", (int)hosts->size,
	                 (const char *)hosts->data);
}

static struct slice bytes_of(const struct buf *b)
{
	return (struct slice){b->data, b->size};
}

/* --- opening --- */

static void mc_close(void *self)
{
	struct mc_store *s = self;
	if (s->link)
		mc_link_close(s->link);
	signer_close(s->signer);
	free(s);
}

static int mc_open(void **self, const struct home *h, enum store_access access, dpc_error *err)
{
	(void)access;
	struct mc_store *s = calloc(1, sizeof *s);
	if (!s)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	s->home = h;
	int rc = trust_signer(&s->signer, &h->net, err);
	if (rc == DPC_OK)
		rc = mc_link_open(&s->link, h, err);
	if (rc == DPC_OK)
		*self = s;
	else
		mc_close(s);
	return rc;
}

static const char *version(void)
{
	static char text[48];
	snprintf(text, sizeof text, "(libmemcached %s)", memcached_lib_version());
	return text;
}

/* --- entries --- */

static int get(void *self, const struct digest *key, struct buf *capsule, struct buf *file, dpc_error *err)
{
	struct mc_store *s = self;
	struct envelope_rules rules = rules_of(s);
	struct buf envelope = {0};
	struct entry_info info;
	(void)file;
	int rc = mc_read(&envelope, s->link, key, err);
	if (rc == DPC_OK)
		rc = envelope_open(&info, capsule, bytes_of(&envelope), key, &rules, err);
	buf_release(&envelope);
	return rc;
}

static int look(void *self, const struct digest *key, struct entry_info *info, dpc_error *err)
{
	struct mc_store *s = self;
	struct envelope_rules rules = rules_of(s);
	struct mc_item item = {.cas = 0};
	struct mc_front f;
	char name[MC_NAME];
	size_t need;
	mc_key(name, s->link, key, "v");
	int rc = mc_get(&item, s->link, name, err);
	if (rc == DPC_OK)
		rc = mc_front_of(&f, bytes_of(&item.data), err);
	if (rc == DPC_OK && (rc = envelope_peek(info, &need, f.here, key, &rules, err)) == DPC_MISS)
		rc = dpc__fail(err, DPC_E_CORRUPT, "a value on the server is cut short");
	info->label = (struct slice){NULL, 0};
	buf_release(&item.data);
	return rc;
}

/* Step 1. DPC_MISS: what was there is gone again. */
static int read_place(struct mc_item *there, struct mc_store *s, const char *name, const struct grant *g,
                      dpc_error *err)
{
	struct buf placeholder = {0};
	int rc = mc_get(there, s->link, name, err);
	if (rc != DPC_MISS)
		return rc;
	rc = mc_placeholder(&placeholder, err);
	const struct mc_new item = {name, bytes_of(&placeholder), mc_expiry(g->length)};
	if (rc == DPC_OK)
		rc = mc_add(s->link, &item, err);
	buf_release(&placeholder);
	return rc < 0 ? rc : mc_get(there, s->link, name, err);
}

/* One time through the three steps. DPC_MISS: it was not stored, for the lease is lost, or, with
 * `held` true, for the item has changed. `there` is what it replaced. */
static int publish_once(struct mc_item *there, bool *held, struct mc_store *s, const struct mc_new *item,
                        const struct grant *g, dpc_error *err)
{
	*held = true;
	int rc = read_place(there, s, item->name, g, err);
	if (rc != DPC_OK)
		return rc;
	rc = mc_lease_holds(s->link, g, err);
	*held = rc != DPC_MISS;
	return rc == DPC_OK ? mc_replace(s->link, item, there, err) : rc;
}

static int publish(struct mc_item *there, struct mc_store *s, const struct mc_new *item,
                   const struct grant *g, dpc_error *err)
{
	bool held = true;
	int rc = DPC_MISS;
	if (!g) {
		rc = mc_get(there, s->link, item->name, err);
		return rc < 0 ? rc : mc_set(s->link, item, err);
	}
	for (int i = 0; rc == DPC_MISS && held && i < TRIES; i++)
		rc = publish_once(there, &held, s, item, g, err);
	return rc;
}

/* Of what was replaced, or of what could not be put, the pieces are of no use to anybody. */
static int put_sealed(struct mc_store *s, const struct entry_info *info, struct slice sealed, dpc_error *err)
{
	char name[MC_NAME];
	struct buf bytes = {0};
	struct mc_item there = {.cas = 0};
	time_t expiry = mc_expiry(envelope_lifetime(info));
	mc_key(name, s->link, &info->key, "v");
	int rc = mc_write_pieces(&bytes, s->link, &info->key, sealed, expiry, err);
	const struct mc_new item = {name, bytes_of(&bytes), expiry};
	if (rc == DPC_OK)
		rc = publish(&there, s, &item, info->grant, err);
	mc_drop_pieces(s->link, &info->key, rc == DPC_OK ? bytes_of(&there.data) : item.value);
	buf_release(&there.data);
	buf_release(&bytes);
	return rc;
}

static int put(void *self, const struct entry_info *info, struct slice capsule, struct buf *old_file,
               dpc_error *err)
{
	struct mc_store *s = self;
	struct envelope_rules rules = rules_of(s);
	struct buf sealed = {0};
	(void)old_file;
	int rc = mc_refuse_writing(s, err);
	if (rc == DPC_OK)
		rc = envelope_seal(&sealed, s->home, info, capsule, &rules, err);
	if (rc == DPC_OK)
		rc = put_sealed(s, info, bytes_of(&sealed), err);
	buf_release(&sealed);
	return rc;
}

/* The lease first: see above. */
static int remove_entry(void *self, const struct digest *key, struct buf *old_file, dpc_error *err)
{
	struct mc_store *s = self;
	char name[MC_NAME], lease[MC_NAME];
	struct mc_item there = {.cas = 0};
	struct mc_front f;
	(void)old_file;
	mc_key(name, s->link, key, "v");
	mc_key(lease, s->link, key, "l");
	int rc = mc_refuse_writing(s, err);
	if (rc == DPC_OK)
		rc = mc_delete(s->link, lease, err);
	if (rc >= 0)
		rc = mc_get(&there, s->link, name, err);
	bool was_entry = rc == DPC_OK && mc_front_of(&f, bytes_of(&there.data), NULL) != DPC_MISS;
	if (rc == DPC_OK)
		rc = mc_delete(s->link, name, err);
	if (rc == DPC_OK)
		mc_drop_pieces(s->link, key, bytes_of(&there.data));
	buf_release(&there.data);
	return rc == DPC_OK && !was_entry ? DPC_MISS : rc;
}

/* Each is a piece of work of its own there. */
static int batch(void *self, bool begin, dpc_error *err)
{
	(void)self;
	(void)begin;
	(void)err;
	return DPC_OK;
}

static int each(void *self, store_visit_fn *visit, void *context, dpc_error *err)
{
	(void)self;
	(void)visit;
	(void)context;
	return dpc__fail(err, DPC_E_USAGE, "memcached cannot list what it holds");
}

/* --- counting --- */

static void counter_name(char out[MC_NAME], const struct mc_store *s, int which)
{
	char word[24];
	snprintf(word, sizeof word, "count-%d", which);
	mc_name(out, s->link, word);
}

/* libmemcached adds no more than 32 bits at once. */
static int add_large(struct mc_store *s, const char *name, uint64_t by, dpc_error *err)
{
	struct mc_item there = {.cas = 0};
	int rc = mc_get(&there, s->link, name, err);
	if (rc == DPC_OK)
		rc = mc_put_number(s->link, name, mc_number(&there) + by, MC_FOREVER, &there, err);
	else if (rc == DPC_MISS)
		rc = mc_put_number(s->link, name, by, MC_FOREVER, NULL, err);
	buf_release(&there.data);
	return rc;
}

/* DPC_MISS: somebody else was quicker. */
static int add_once(struct mc_store *s, const char *name, uint64_t by, dpc_error *err)
{
	uint64_t sum;
	if (by > UINT32_MAX)
		return add_large(s, name, by, err);
	int rc = mc_increment(&sum, s->link, name, (uint32_t)by, err);
	return rc == DPC_MISS ? mc_put_number(s->link, name, by, MC_FOREVER, NULL, err) : rc;
}

/* Hits are not counted to their entries: nobody can list those, and the server drops what was not
 * asked for of late by itself. */
static int count(void *self, const struct counters *add, const struct event_record *hits, size_t n,
                 dpc_error *err)
{
	struct mc_store *s = self;
	char name[MC_NAME];
	int rc = DPC_OK;
	(void)hits;
	(void)n;
	for (int i = 0; i < COUNTER_COUNT && rc >= 0 && !s->home->net.read_only; i++) {
		counter_name(name, s, i);
		rc = add->v[i] > 0 ? DPC_MISS : DPC_OK;
		for (int try = 0; rc == DPC_MISS && try < TRIES; try++)
			rc = add_once(s, name, (uint64_t)add->v[i], err);
	}
	return rc < 0 ? rc : DPC_OK;
}

static int totals(void *self, struct counters *out, dpc_error *err)
{
	struct mc_store *s = self;
	char name[MC_NAME];
	int rc = DPC_OK;
	*out = (struct counters){{0}};
	for (int i = 0; i < COUNTER_COUNT && rc >= 0; i++) {
		struct mc_item there = {.cas = 0};
		counter_name(name, s, i);
		rc = mc_get(&there, s->link, name, err);
		out->v[i] = rc == DPC_OK ? (int64_t)mc_number(&there) : 0;
		buf_release(&there.data);
	}
	return rc < 0 ? rc : DPC_OK;
}

static int reset_totals(void *self, dpc_error *err)
{
	struct mc_store *s = self;
	char name[MC_NAME];
	int rc = mc_refuse_writing(s, err);
	for (int i = 0; i < COUNTER_COUNT && rc >= 0; i++) {
		counter_name(name, s, i);
		rc = mc_delete(s->link, name, err);
	}
	return rc < 0 ? rc : DPC_OK;
}

/* --- the servers' own affairs --- */

static int check(void *self, dpc_error *err)
{
	return mc_ping(((struct mc_store *)self)->link, err);
}

static int compact(void *self, dpc_error *err)
{
	(void)self;
	(void)err;
	return DPC_OK;
}

static int quarantine(const struct home *h, char *moved, size_t size, dpc_error *err)
{
	(void)h;
	(void)moved;
	(void)size;
	return dpc__fail(err, DPC_E_USAGE, "a server's data is not ours to move aside");
}

static const struct store_ops store_memcached = {
    .name = "memcached",
    .version = version,
    .open = mc_open,
    .close = mc_close,
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
    .remote = &memcached_remote,
};

STORE_PLUGIN(&store_memcached);
