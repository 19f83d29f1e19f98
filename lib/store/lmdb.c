/* The LMDB engine: one file, home/cache.mdb, with one table in it: entries, how
 * often they were used, and counters. The file itself is lmdb_file.c's. */
#include "lmdb_file.h"
#include "lmdb_pages.h"
#include "places.h"
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* LMDB's way to say the same. */
static MDB_val key_of(struct record_key *k, enum record_kind kind, const struct digest *d)
{
	*k = record_key(kind, d);
	return (MDB_val){k->size, k->bytes};
}

static struct slice slice_of(const MDB_val *v)
{
	return (struct slice){v->mv_data, v->mv_size};
}

/* --- transactions --- */

/* In a batch, what was written there is read; else a reader's own. */
static int begin_read(struct lmdb_work *w, struct lmdb_store *s, dpc_error *err)
{
	*w = s->batch;
	return w->txn ? DPC_OK : lmdb_read(w, s->env, s->kept ? &s->reader : NULL, err);
}

static int end_read(struct lmdb_work *w, struct lmdb_store *s, int result)
{
	return s->batch.txn ? result : lmdb_end(w, result, NULL);
}

static int begin_write(struct lmdb_work *w, struct lmdb_store *s, size_t room, dpc_error *err)
{
	if (!s->batch.txn) {
		int rc = lmdb_write(w, s->env, room, err);
		/* For its map of the file. */
		w->reader = s->kept ? &s->reader : NULL;
		if (rc == DPC_OK && (rc = lmdb_pages_free(w, err)) != DPC_OK)
			lmdb_end(w, rc, NULL);
		if (rc != DPC_OK || !s->in_batch)
			return rc;
		s->batch = *w;
	}
	*w = s->batch;
	return DPC_OK;
}

static int end_write(struct lmdb_work *w, struct lmdb_store *s, int result, dpc_error *err)
{
	return s->in_batch ? result : lmdb_end(w, result, err);
}

static int batch(void *self, bool begin, dpc_error *err)
{
	struct lmdb_store *s = self;
	s->in_batch = begin;
	return begin ? DPC_OK : lmdb_end(&s->batch, DPC_OK, err);
}

/* --- reading and writing by key; DPC_MISS where there is none --- */

static int find_entry(struct entry_info *info, struct slice *capsule, const struct lmdb_work *w,
                      const struct digest *key, dpc_error *err)
{
	struct record_key k;
	MDB_val name = key_of(&k, RECORD_ENTRY, key), value;
	int rc = lmdb_pages_find(&value, w, &name, err);
	if (rc == DPC_OK && !record_decode_entry(info, capsule, key, slice_of(&value)))
		rc = lmdb_failed(lmdb_env_path(w->env), MDB_CORRUPTED, err);
	return rc;
}

static int find_usage(struct usage *u, const struct lmdb_work *w, const struct digest *key, dpc_error *err)
{
	struct record_key k;
	MDB_val name = key_of(&k, RECORD_USAGE, key), value;
	*u = (struct usage){0};
	int rc = lmdb_pages_find(&value, w, &name, err);
	if (rc == DPC_OK)
		*u = record_decode_usage(slice_of(&value));
	return rc == DPC_MISS ? DPC_OK : rc;
}

/* `head`, and behind it `tail`. */
static int set(const struct lmdb_work *w, MDB_val *key, const struct buf *head, struct slice tail, dpc_error *err)
{
	MDB_val value = {head->size + tail.size, NULL};
	if (head->failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	int rc = lmdb_pages_sound(w, key, err);
	if (rc != DPC_OK)
		return rc;
	rc = mdb_put(w->txn, w->table, key, &value, MDB_RESERVE);
	if (rc != 0)
		return lmdb_failed(lmdb_env_path(w->env), rc, err);
	memcpy(value.mv_data, head->data, head->size);
	if (tail.size)
		memcpy((uint8_t *)value.mv_data + head->size, tail.data, tail.size);
	return DPC_OK;
}

static int delete(const struct lmdb_work *w, MDB_val *key, dpc_error *err)
{
	int rc = lmdb_pages_sound(w, key, err);
	if (rc != DPC_OK)
		return rc;
	rc = mdb_del(w->txn, w->table, key, NULL);
	return rc == 0              ? DPC_OK
	       : rc == MDB_NOTFOUND ? DPC_MISS
	                            : lmdb_failed(lmdb_env_path(w->env), rc, err);
}

/* --- entries --- */

static void put_file_name(struct buf *out, const struct entry_info *info)
{
	if (info->file)
		buf_put(out, info->file, strlen(info->file) + 1);
}

static int get(void *self, const struct digest *key, struct buf *capsule, struct buf *file,
               dpc_error *err)
{
	struct lmdb_store *s = self;
	struct lmdb_work w;
	struct entry_info info;
	struct slice bytes;
	int rc = begin_read(&w, s, err);
	if (rc != DPC_OK)
		return rc;
	rc = find_entry(&info, &bytes, &w, key, err);
	if (rc == DPC_OK) {
		buf_put(capsule, bytes.data, bytes.size);
		put_file_name(file, &info);
	}
	return end_read(&w, s, rc);
}

static int look(void *self, const struct digest *key, struct entry_info *info, dpc_error *err)
{
	struct lmdb_store *s = self;
	struct lmdb_work w;
	struct entry_info found;
	struct slice bytes;
	int rc = begin_read(&w, s, err);
	if (rc != DPC_OK)
		return rc;
	rc = find_entry(&found, &bytes, &w, key, err);
	/* The rest is borrowed from what ends here. */
	if (rc == DPC_OK)
		*info = (struct entry_info){
		    .key = *key, .created = found.created, .cost = found.cost, .question = found.question};
	return end_read(&w, s, rc);
}

static int find_old_file(struct buf *old_file, const struct lmdb_work *w, const struct digest *key,
                         dpc_error *err)
{
	struct entry_info old;
	struct slice bytes;
	int rc = find_entry(&old, &bytes, w, key, err);
	if (rc == DPC_OK)
		put_file_name(old_file, &old);
	return rc;
}

static int put(void *self, const struct entry_info *info, struct slice capsule, struct buf *old_file,
               dpc_error *err)
{
	struct lmdb_store *s = self;
	struct lmdb_work w;
	struct buf head = {0};
	struct record_key k;
	MDB_val name = key_of(&k, RECORD_ENTRY, &info->key);
	record_encode_entry(&head, info);
	int rc = begin_write(&w, s, head.size + capsule.size, err);
	if (rc == DPC_OK) {
		rc = find_old_file(old_file, &w, &info->key, err);
		if (rc >= 0)
			rc = set(&w, &name, &head, capsule, err);
		rc = end_write(&w, s, rc, err);
	}
	buf_release(&head);
	return rc;
}

static int remove_entry(void *self, const struct digest *key, struct buf *old_file, dpc_error *err)
{
	struct lmdb_store *s = self;
	struct lmdb_work w;
	struct record_key k;
	MDB_val name = key_of(&k, RECORD_USAGE, key);
	int rc = begin_write(&w, s, 0, err);
	if (rc != DPC_OK)
		return rc;
	rc = find_old_file(old_file, &w, key, err);
	if (rc >= 0) {
		int gone = delete(&w, &name, err);
		name = key_of(&k, RECORD_ENTRY, key);
		if (gone >= 0)
			gone = delete(&w, &name, err);
		rc = gone < 0 ? gone : rc;
	}
	return end_write(&w, s, rc, err);
}

/* --- visiting --- */

static int note_place(struct buf *places, const struct lmdb_work *w, const MDB_val *name, const MDB_val *value,
                      dpc_error *err)
{
	struct entry_info info;
	struct slice bytes;
	struct usage u;
	struct digest key;
	memcpy(key.bytes, (const uint8_t *)name->mv_data + 1, sizeof key.bytes);
	if (!record_decode_entry(&info, &bytes, &key, slice_of(value)))
		return lmdb_failed(lmdb_env_path(w->env), MDB_CORRUPTED, err);
	int rc = find_usage(&u, w, &key, err);
	return rc == DPC_OK ? places_add(places, &info, u.used, err) : rc;
}

static int collect_places(struct buf *places, struct lmdb_work *w, dpc_error *err)
{
	MDB_cursor *cursor;
	struct record_key first;
	MDB_val name = key_of(&first, RECORD_ENTRY, NULL), value;
	int result = lmdb_pages_sound(w, NULL, err);
	if (result != DPC_OK)
		return result;
	w->sound = !w->writes;
	int rc = mdb_cursor_open(w->txn, w->table, &cursor);
	if (rc != 0)
		return lmdb_failed(lmdb_env_path(w->env), rc, err);
	rc = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	while (rc == 0 && result == DPC_OK && name.mv_size == sizeof first.bytes && *(const uint8_t *)name.mv_data == RECORD_ENTRY) {
		result = note_place(places, w, &name, &value, err);
		rc = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (rc != 0 && rc != MDB_NOTFOUND && result == DPC_OK)
		result = lmdb_failed(lmdb_env_path(w->env), rc, err);
	return result;
}

static int visit_place(const struct place *p, const struct lmdb_work *w, store_visit_fn *visit, void *context,
                       dpc_error *err)
{
	struct entry_info info;
	struct slice bytes;
	struct usage u;
	int rc = find_entry(&info, &bytes, w, &p->key, err);
	if (rc == DPC_OK)
		rc = find_usage(&u, w, &p->key, err);
	if (rc != DPC_OK)
		return rc;
	info.hits = u.hits;
	info.used = u.used;
	return visit(context, &info);
}

static int each(void *self, store_visit_fn *visit, void *context, dpc_error *err)
{
	struct lmdb_store *s = self;
	struct lmdb_work w;
	struct buf places = {0};
	int rc = begin_read(&w, s, err);
	if (rc != DPC_OK)
		return rc;
	rc = collect_places(&places, &w, err);
	size_t count;
	const struct place *p = places_sort(&places, &count);
	for (size_t i = 0; i < count && rc == DPC_OK; i++)
		rc = visit_place(&p[i], &w, visit, context, err);
	buf_release(&places);
	return end_read(&w, s, rc);
}

/* --- counting --- */

static int read_counters(struct counters *out, const struct lmdb_work *w, dpc_error *err)
{
	struct record_key k;
	MDB_val name = key_of(&k, RECORD_COUNTERS, NULL), value;
	*out = (struct counters){{0}};
	int rc = lmdb_pages_find(&value, w, &name, err);
	if (rc == DPC_OK)
		*out = record_decode_counters(slice_of(&value));
	return rc == DPC_MISS ? DPC_OK : rc;
}

static int add_counters(const struct lmdb_work *w, const struct counters *add, dpc_error *err)
{
	struct counters sum;
	struct buf b = {0};
	struct record_key k;
	MDB_val name = key_of(&k, RECORD_COUNTERS, NULL);
	int rc = read_counters(&sum, w, err);
	for (int i = 0; i < COUNTER_COUNT; i++)
		sum.v[i] += add->v[i];
	record_encode_counters(&b, &sum);
	if (rc == DPC_OK)
		rc = set(w, &name, &b, (struct slice){NULL, 0}, err);
	buf_release(&b);
	return rc;
}

static int add_hit(const struct lmdb_work *w, const struct event_record *hit, dpc_error *err)
{
	struct entry_info info;
	struct slice bytes;
	struct usage u;
	struct buf b = {0};
	struct record_key k;
	MDB_val name = key_of(&k, RECORD_USAGE, &hit->key);
	/* Only entries that are there: a named hit may outlive its entry. */
	int rc = find_entry(&info, &bytes, w, &hit->key, err);
	if (rc == DPC_OK)
		rc = find_usage(&u, w, &hit->key, err);
	if (rc != DPC_OK)
		return rc == DPC_MISS ? DPC_OK : rc;
	u = usage_add(&u, hit);
	record_encode_usage(&b, &u);
	rc = set(w, &name, &b, (struct slice){NULL, 0}, err);
	buf_release(&b);
	return rc;
}

static int count(void *self, const struct counters *add, const struct event_record *hits, size_t n,
                 dpc_error *err)
{
	struct lmdb_store *s = self;
	struct lmdb_work w;
	int rc = begin_write(&w, s, 0, err);
	if (rc != DPC_OK)
		return rc;
	rc = add_counters(&w, add, err);
	for (size_t i = 0; i < n && rc == DPC_OK; i++)
		rc = add_hit(&w, &hits[i], err);
	return end_write(&w, s, rc, err);
}

static int totals(void *self, struct counters *out, dpc_error *err)
{
	struct lmdb_store *s = self;
	struct lmdb_work w;
	int rc = begin_read(&w, s, err);
	return rc == DPC_OK ? end_read(&w, s, read_counters(out, &w, err)) : rc;
}

static int reset_totals(void *self, dpc_error *err)
{
	struct lmdb_store *s = self;
	struct lmdb_work w;
	struct record_key k;
	MDB_val name = key_of(&k, RECORD_COUNTERS, NULL);
	int rc = begin_write(&w, s, 0, err);
	if (rc != DPC_OK)
		return rc;
	rc = delete(&w, &name, err);
	return end_write(&w, s, rc < 0 ? rc : DPC_OK, err);
}

static const char *version(void)
{
	static char text[32];
	int major, minor, patch;
	mdb_version(&major, &minor, &patch);
	snprintf(text, sizeof text, "%d.%d.%d", major, minor, patch);
	return text;
}

const struct store_ops store_lmdb = {
    .name = "lmdb",
    .version = version,
    .open = lmdb_open,
    .close = lmdb_close,
    .get = get,
    .put = put,
    .remove = remove_entry,
    .batch = batch,
    .look = look,
    .each = each,
    .count = count,
    .totals = totals,
    .reset_totals = reset_totals,
    .check = lmdb_check,
    .compact = lmdb_compact,
    .quarantine = lmdb_quarantine,
    .keeps = true,
    .commits = lmdb_commits,
    .stands = lmdb_stands,
};
