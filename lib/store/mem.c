/* See mem.h. */
#include "mem.h"

#include "dpcache.h"
#include "memory.h"
#include "places.h"
#include "record.h"

#include <stdlib.h>
#include <string.h>

/* An entry is its usage, its record, and the capsule. Nothing gets old by itself. */
enum { USAGE_SIZE = 16 };
static const int64_t NOW = 0;

struct mem {
	struct memory *entries;
	struct counters totals;
};

int mem_home_begin(struct home *h, size_t limit, dpc_error *err)
{
	struct mem *m = calloc(1, sizeof *m);
	int rc = m && (m->entries = memory_new(limit)) ? state_init(&h->state, h->engine, 0, err)
	                                               : dpc__fail(err, DPC_E_MEMORY, "out of memory");
	h->mem = m;
	if (rc != DPC_OK)
		mem_home_end(h);
	return rc;
}

void mem_home_end(struct home *h)
{
	if (h->mem)
		memory_free(h->mem->entries);
	free(h->mem);
	h->mem = NULL;
}

static int mem_open(void **self, const struct home *h, enum store_access access, dpc_error *err)
{
	(void)access;
	*self = h->mem;
	return h->mem ? DPC_OK : dpc__fail(err, DPC_E_NOTFOUND, "nothing is remembered in mem:");
}

static void mem_close(void *self)
{
	(void)self;
}

static const char *version(void)
{
	return dpc_version();
}

/* --- entries --- */

static bool decode(struct entry_info *info, struct slice *capsule, const struct digest *key, struct slice bytes)
{
	struct usage u = record_decode_usage(bytes);
	struct slice record = {bytes.data + USAGE_SIZE, bytes.size - USAGE_SIZE};
	bool sound = record_decode_entry(info, capsule, key, record);
	info->hits = u.hits;
	info->used = u.used;
	return sound;
}

static int find(struct entry_info *info, struct slice *capsule, struct mem *m, const struct digest *key)
{
	size_t size = 0;
	const uint8_t *bytes = memory_get(&size, m->entries, key, NOW, 0);
	return bytes && decode(info, capsule, key, (struct slice){bytes, size}) ? DPC_OK : DPC_MISS;
}

static void put_file_name(struct buf *out, const struct entry_info *info)
{
	if (info->file)
		buf_put(out, info->file, strlen(info->file) + 1);
}

static int get(void *self, const struct digest *key, struct buf *capsule, struct buf *file, dpc_error *err)
{
	struct entry_info info;
	struct slice bytes;
	(void)err;
	int rc = find(&info, &bytes, self, key);
	if (rc == DPC_OK) {
		buf_put(capsule, bytes.data, bytes.size);
		put_file_name(file, &info);
	}
	return rc;
}

static int look(void *self, const struct digest *key, struct entry_info *info, dpc_error *err)
{
	struct entry_info found;
	struct slice bytes;
	(void)err;
	int rc = find(&found, &bytes, self, key);
	if (rc == DPC_OK)
		*info = (struct entry_info){
		    .key = *key, .created = found.created, .cost = found.cost, .question = found.question};
	return rc;
}

static struct usage usage_of(struct mem *m, const struct digest *key, struct buf *old_file)
{
	struct entry_info old = {.hits = 0};
	struct slice bytes;
	if (find(&old, &bytes, m, key) == DPC_OK)
		put_file_name(old_file, &old);
	return (struct usage){old.hits, old.used};
}

static int put(void *self, const struct entry_info *info, struct slice capsule, struct buf *old_file, dpc_error *err)
{
	struct mem *m = self;
	struct buf b = {0};
	struct usage u = usage_of(m, &info->key, old_file);
	record_encode_usage(&b, &u);
	record_encode_entry(&b, info);
	buf_put(&b, capsule.data, capsule.size);
	bool kept = !b.failed && memory_put(m->entries, &info->key, (struct slice){b.data, b.size}, NOW);
	buf_release(&b);
	return kept ? DPC_OK : dpc__fail(err, DPC_E_MEMORY, "larger than all that mem: may keep, or out of memory");
}

static int remove_entry(void *self, const struct digest *key, struct buf *old_file, dpc_error *err)
{
	struct mem *m = self;
	(void)err;
	usage_of(m, key, old_file);
	return memory_remove(m->entries, key) ? DPC_OK : DPC_MISS;
}

/* There is nothing that could be half done. */
static int batch(void *self, bool begin, dpc_error *err)
{
	(void)self;
	(void)begin;
	(void)err;
	return DPC_OK;
}

/* --- visiting --- */

static int note_place(void *context, const struct digest *key, struct slice bytes)
{
	struct entry_info info;
	struct slice capsule;
	return decode(&info, &capsule, key, bytes) ? places_add(context, &info, info.used, NULL) : DPC_OK;
}

static int each(void *self, store_visit_fn *visit, void *context, dpc_error *err)
{
	struct mem *m = self;
	struct buf places = {0};
	size_t count = 0;
	int rc = memory_each(m->entries, note_place, &places);
	if (rc != DPC_OK)
		dpc__fail(err, rc, "out of memory");
	const struct place *p = places_sort(&places, &count);
	for (size_t i = 0; i < count && rc == DPC_OK; i++) {
		struct entry_info info;
		struct slice capsule;
		if (find(&info, &capsule, m, &p[i].key) == DPC_OK)
			rc = visit(context, &info);
	}
	buf_release(&places);
	return rc;
}

/* --- counting --- */

static int add_hit(struct mem *m, const struct event_record *hit, dpc_error *err)
{
	size_t size;
	struct buf b = {0};
	uint8_t *bytes = memory_get(&size, m->entries, &hit->key, NOW, 0);
	if (!bytes)
		return DPC_OK;
	struct usage u = record_decode_usage((struct slice){bytes, size});
	u = usage_add(&u, hit);
	record_encode_usage(&b, &u);
	int rc = b.failed ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : DPC_OK;
	if (rc == DPC_OK)
		memcpy(bytes, b.data, USAGE_SIZE);
	buf_release(&b);
	return rc;
}

static int count(void *self, const struct counters *add, const struct event_record *hits, size_t n, dpc_error *err)
{
	struct mem *m = self;
	int rc = DPC_OK;
	for (int i = 0; i < COUNTER_COUNT; i++)
		m->totals.v[i] += add->v[i];
	for (size_t i = 0; i < n && rc == DPC_OK; i++)
		rc = add_hit(m, &hits[i], err);
	return rc;
}

static int totals(void *self, struct counters *out, dpc_error *err)
{
	(void)err;
	*out = ((struct mem *)self)->totals;
	return DPC_OK;
}

static int reset_totals(void *self, dpc_error *err)
{
	(void)err;
	((struct mem *)self)->totals = (struct counters){{0}};
	return DPC_OK;
}

static int check(void *self, dpc_error *err)
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
	return dpc__fail(err, DPC_E_USAGE, "mem: has nothing to move aside");
}

const struct store_ops store_mem = {
    .name = "mem",
    .version = version,
    .open = mem_open,
    .close = mem_close,
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
    .compact = check,
    .quarantine = quarantine,
    .keeps = true,
};
