/* The GDBM engine: entries, how often they were used, and counters, in one file,
 * home/cache.gdbm. The file itself is gdbm_file.c's.
 *
 * GDBM is under the GNU General Public License, version 3 or later. So this engine is
 * an object of its own, which is loaded when a URL asks for it: who passes that object
 * on does so under that licence, and nothing else of dpcache is concerned. */
#include "gdbm_file.h"
#include "places.h"
#include "plugin.h"

#include "err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading by key; DPC_MISS where there is none --- */

static int find_entry(struct gdbm_value *value, struct entry_info *info, struct slice *capsule,
                      const struct gdbm_db *db, const struct digest *key, dpc_error *err)
{
	struct record_key k = record_key(RECORD_ENTRY, key);
	int rc = gdbm_db_find(value, db, &k, err);
	if (rc == DPC_OK && !record_decode_entry(info, capsule, key, value->bytes)) {
		free(value->memory);
		value->memory = NULL;
		rc = gdbm_db_damaged(db, err);
	}
	return rc;
}

static int find_usage(struct usage *u, const struct gdbm_db *db, const struct digest *key, dpc_error *err)
{
	struct record_key k = record_key(RECORD_USAGE, key);
	struct gdbm_value value;
	*u = (struct usage){0};
	int rc = gdbm_db_find(&value, db, &k, err);
	if (rc == DPC_OK)
		*u = record_decode_usage(value.bytes);
	free(value.memory);
	return rc == DPC_MISS ? DPC_OK : rc;
}

static int find_counters(struct counters *c, const struct gdbm_db *db, dpc_error *err)
{
	struct record_key k = record_key(RECORD_COUNTERS, NULL);
	struct gdbm_value value;
	*c = (struct counters){{0}};
	int rc = gdbm_db_find(&value, db, &k, err);
	if (rc == DPC_OK)
		*c = record_decode_counters(value.bytes);
	free(value.memory);
	return rc == DPC_MISS ? DPC_OK : rc;
}

static const struct slice NOTHING = {NULL, 0};

static int delete(struct gdbm_store *s, enum record_kind kind, const struct digest *key, dpc_error *err)
{
	struct record_key k = record_key(kind, key);
	return gdbm_file_change(s, &k, NULL, NOTHING, err);
}

/* In a batch the end of it is the end of the work. */
static int end(struct gdbm_store *s, int result, dpc_error *err)
{
	return s->in_batch ? result : gdbm_file_end(s, result, err);
}

static int batch(void *self, bool begin, dpc_error *err)
{
	struct gdbm_store *s = self;
	s->in_batch = begin;
	return begin ? DPC_OK : gdbm_file_end(s, DPC_OK, err);
}

/* --- entries --- */

static void put_file_name(struct buf *out, const struct entry_info *info)
{
	if (info->file)
		buf_put(out, info->file, strlen(info->file) + 1);
}

static int get(void *self, const struct digest *key, struct buf *capsule, struct buf *file, dpc_error *err)
{
	const struct gdbm_db *db;
	struct gdbm_value value = {{NULL, 0}, NULL};
	struct entry_info info;
	struct slice bytes;
	int rc = gdbm_file_look(&db, self, err);
	if (rc == DPC_OK)
		rc = find_entry(&value, &info, &bytes, db, key, err);
	if (rc == DPC_OK) {
		buf_put(capsule, bytes.data, bytes.size);
		put_file_name(file, &info);
	}
	free(value.memory);
	return rc;
}

static int look(void *self, const struct digest *key, struct entry_info *info, dpc_error *err)
{
	const struct gdbm_db *db;
	struct gdbm_value value = {{NULL, 0}, NULL};
	struct entry_info found;
	struct slice bytes;
	int rc = gdbm_file_look(&db, self, err);
	if (rc == DPC_OK)
		rc = find_entry(&value, &found, &bytes, db, key, err);
	/* The rest is borrowed from what ends here. */
	if (rc == DPC_OK)
		*info = (struct entry_info){
		    .key = *key, .created = found.created, .cost = found.cost, .question = found.question};
	free(value.memory);
	return rc;
}

static int find_old_file(struct buf *old_file, struct gdbm_store *s, const struct digest *key, dpc_error *err)
{
	const struct gdbm_db *db;
	struct gdbm_value value = {{NULL, 0}, NULL};
	struct entry_info old;
	struct slice bytes;
	int rc = gdbm_file_look(&db, s, err);
	if (rc == DPC_OK)
		rc = find_entry(&value, &old, &bytes, db, key, err);
	if (rc == DPC_OK)
		put_file_name(old_file, &old);
	free(value.memory);
	return rc;
}

static int put(void *self, const struct entry_info *info, struct slice capsule, struct buf *old_file,
               dpc_error *err)
{
	struct gdbm_store *s = self;
	struct buf head = {0};
	struct record_key k = record_key(RECORD_ENTRY, &info->key);
	record_encode_entry(&head, info);
	int rc = find_old_file(old_file, s, &info->key, err);
	if (rc >= 0)
		rc = gdbm_file_change(s, &k, &head, capsule, err);
	buf_release(&head);
	return end(s, rc, err);
}

static int remove_entry(void *self, const struct digest *key, struct buf *old_file, dpc_error *err)
{
	struct gdbm_store *s = self;
	int rc = find_old_file(old_file, s, key, err);
	if (rc == DPC_OK) {
		int gone = delete(s, RECORD_USAGE, key, err);
		if (gone >= 0)
			gone = delete(s, RECORD_ENTRY, key, err);
		rc = gone < 0 ? gone : rc;
	}
	return end(s, rc, err);
}

/* --- visiting --- */

struct gathering {
	const struct gdbm_db *db;
	struct buf places;
};

static int note_place(void *context, const struct record_key *key, struct slice sealed, dpc_error *err)
{
	struct gathering *g = context;
	struct entry_info info;
	struct slice bytes;
	struct usage u;
	struct digest digest;
	if (key->size != sizeof key->bytes || key->bytes[0] != RECORD_ENTRY)
		return DPC_OK;
	memcpy(digest.bytes, key->bytes + 1, sizeof digest.bytes);
	if (!record_decode_entry(&info, &bytes, &digest, gdbm_db_unseal(sealed)))
		return gdbm_db_damaged(g->db, err);
	int rc = find_usage(&u, g->db, &digest, err);
	return rc == DPC_OK ? places_add(&g->places, &info, u.used, err) : rc;
}

static int visit_place(const struct place *p, const struct gdbm_db *db, store_visit_fn *visit, void *context,
                       dpc_error *err)
{
	struct gdbm_value value = {{NULL, 0}, NULL};
	struct entry_info info;
	struct slice bytes;
	struct usage u;
	int rc = find_entry(&value, &info, &bytes, db, &p->key, err);
	if (rc == DPC_OK)
		rc = find_usage(&u, db, &p->key, err);
	if (rc == DPC_OK) {
		info.hits = u.hits;
		info.used = u.used;
		rc = visit(context, &info);
	}
	free(value.memory);
	return rc;
}

static int each(void *self, store_visit_fn *visit, void *context, dpc_error *err)
{
	struct gathering g = {.places = {0}};
	size_t count;
	int rc = gdbm_file_look(&g.db, self, err);
	if (rc == DPC_OK)
		rc = gdbm_db_each(g.db, note_place, &g, err);
	const struct place *p = places_sort(&g.places, &count);
	for (size_t i = 0; i < count && rc == DPC_OK; i++)
		rc = visit_place(&p[i], g.db, visit, context, err);
	buf_release(&g.places);
	return rc;
}

/* --- counting --- */

static int add_counters(struct gdbm_store *s, const struct counters *add, dpc_error *err)
{
	const struct gdbm_db *db;
	struct counters sum;
	struct buf b = {0};
	struct record_key k = record_key(RECORD_COUNTERS, NULL);
	int rc = gdbm_file_look(&db, s, err);
	if (rc == DPC_OK)
		rc = find_counters(&sum, db, err);
	if (rc != DPC_OK)
		return rc;
	for (int i = 0; i < COUNTER_COUNT; i++)
		sum.v[i] += add->v[i];
	record_encode_counters(&b, &sum);
	rc = gdbm_file_change(s, &k, &b, NOTHING, err);
	buf_release(&b);
	return rc;
}

static int add_hit(struct gdbm_store *s, const struct event_record *hit, dpc_error *err)
{
	const struct gdbm_db *db;
	struct entry_info there;
	struct usage u;
	struct buf b = {0};
	struct record_key k = record_key(RECORD_USAGE, &hit->key);
	/* Only entries that are there: a named hit may outlive its entry. */
	int rc = look(s, &hit->key, &there, err);
	if (rc == DPC_OK)
		rc = gdbm_file_look(&db, s, err);
	if (rc == DPC_OK)
		rc = find_usage(&u, db, &hit->key, err);
	if (rc != DPC_OK)
		return rc == DPC_MISS ? DPC_OK : rc;
	u = usage_add(&u, hit);
	record_encode_usage(&b, &u);
	rc = gdbm_file_change(s, &k, &b, NOTHING, err);
	buf_release(&b);
	return rc;
}

static int count(void *self, const struct counters *add, const struct event_record *hits, size_t n, dpc_error *err)
{
	struct gdbm_store *s = self;
	int rc = add_counters(s, add, err);
	for (size_t i = 0; i < n && rc == DPC_OK; i++)
		rc = add_hit(s, &hits[i], err);
	return end(s, rc, err);
}

static int totals(void *self, struct counters *out, dpc_error *err)
{
	const struct gdbm_db *db;
	int rc = gdbm_file_look(&db, self, err);
	return rc == DPC_OK ? find_counters(out, db, err) : rc;
}

static int reset_totals(void *self, dpc_error *err)
{
	int rc = delete(self, RECORD_COUNTERS, NULL, err);
	return end(self, rc < 0 ? rc : DPC_OK, err);
}

static const char *version(void)
{
	static char text[32];
	snprintf(text, sizeof text, "%d.%d.%d", gdbm_version_number[0], gdbm_version_number[1], gdbm_version_number[2]);
	return text;
}

static const struct store_ops store_gdbm = {
    .name = "gdbm",
    .version = version,
    .open = gdbm_file_open,
    .close = gdbm_file_close,
    .get = get,
    .put = put,
    .remove = remove_entry,
    .batch = batch,
    .look = look,
    .each = each,
    .count = count,
    .totals = totals,
    .reset_totals = reset_totals,
    .check = gdbm_file_check,
    .compact = gdbm_file_compact,
    .quarantine = gdbm_file_quarantine,
};

STORE_PLUGIN(&store_gdbm);
