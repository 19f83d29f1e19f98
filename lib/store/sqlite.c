/* The default engine: one SQLite database in WAL mode, home/cache.db. Entries and
 * counters; the file itself is sqlite_file.c's. */
#include "sqlite_file.h"

#include "clock.h"

#include <string.h>

static void bind_digest(sqlite3_stmt *st, int at, const struct digest *d)
{
	sqlite3_bind_blob(st, at, d->bytes, sizeof d->bytes, SQLITE_STATIC);
}

static int get(void *self, const struct digest *key, struct buf *capsule, struct buf *file,
               dpc_error *err)
{
	struct sqlite_store *s = self;
	sqlite3_stmt *st = sqlite_prepare(s, "SELECT capsule, file FROM entry WHERE key = ?", err);
	if (!st)
		return sqlite_prepare_failure(err);
	bind_digest(st, 1, key);
	int rc = sqlite3_step(st), result = DPC_OK;
	if (rc == SQLITE_ROW) {
		const void *bytes = sqlite3_column_blob(st, 0);
		buf_put(capsule, bytes, (size_t)sqlite3_column_bytes(st, 0));
		if (sqlite3_column_type(st, 1) != SQLITE_NULL)
			buf_put(file, sqlite3_column_text(st, 1), (size_t)sqlite3_column_bytes(st, 1) + 1);
	} else {
		result = rc == SQLITE_DONE ? DPC_MISS : sqlite_failed(s, rc, err);
	}
	sqlite_done(s, st);
	return result;
}

/* The file of what is about to be replaced or removed. */
static int find_old_file(struct sqlite_store *s, const struct digest *key, struct buf *old_file,
                         dpc_error *err)
{
	sqlite3_stmt *st = sqlite_prepare(s, "SELECT file FROM entry WHERE key = ?", err);
	if (!st)
		return sqlite_prepare_failure(err);
	bind_digest(st, 1, key);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
		buf_put(old_file, sqlite3_column_text(st, 0), (size_t)sqlite3_column_bytes(st, 0) + 1);
	int result = rc == SQLITE_ROW ? DPC_OK : rc == SQLITE_DONE ? DPC_MISS : sqlite_failed(s, rc, err);
	sqlite_done(s, st);
	return result;
}

static int insert(struct sqlite_store *s, const struct entry_info *info, struct slice capsule,
                  dpc_error *err)
{
	sqlite3_stmt *st = sqlite_prepare(s, "INSERT OR REPLACE INTO entry VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)", err);
	if (!st)
		return sqlite_prepare_failure(err);
	bind_digest(st, 1, &info->key);
	bind_digest(st, 2, &info->question);
	sqlite3_bind_int64(st, 3, info->created);
	sqlite3_bind_int64(st, 4, info->ttl);
	sqlite3_bind_int64(st, 5, info->grace);
	sqlite3_bind_int64(st, 6, (int64_t)info->generation);
	sqlite3_bind_int64(st, 7, info->cost);
	sqlite3_bind_int64(st, 8, (int64_t)info->output_size);
	sqlite3_bind_int64(st, 9, (int64_t)info->stored_size);
	sqlite3_bind_int64(st, 10, info->status);
	sqlite3_bind_int64(st, 11, info->flags);
	sqlite3_bind_blob64(st, 12, info->label.size ? (const void *)info->label.data : "", info->label.size,
	                    SQLITE_STATIC);
	if (info->file)
		sqlite3_bind_text(st, 13, info->file, -1, SQLITE_STATIC);
	if (capsule.size)
		sqlite3_bind_blob64(st, 14, capsule.data, capsule.size, SQLITE_STATIC);
	return sqlite_finish(s, st, err);
}

static int put(void *self, const struct entry_info *info, struct slice capsule, struct buf *old_file,
               dpc_error *err)
{
	struct sqlite_store *s = self;
	int result = sqlite_begin(s, err);
	if (result != DPC_OK)
		return result;
	result = find_old_file(s, &info->key, old_file, err);
	if (result == DPC_OK || result == DPC_MISS)
		result = insert(s, info, capsule, err);
	return sqlite_end(s, result, err);
}

static int delete_from(struct sqlite_store *s, const char *sql, const struct digest *key, dpc_error *err)
{
	sqlite3_stmt *st = sqlite_prepare(s, sql, err);
	if (!st)
		return sqlite_prepare_failure(err);
	bind_digest(st, 1, key);
	return sqlite_finish(s, st, err);
}

static int remove_entry(void *self, const struct digest *key, struct buf *old_file, dpc_error *err)
{
	struct sqlite_store *s = self;
	int result = sqlite_begin(s, err);
	if (result != DPC_OK)
		return result;
	int found = find_old_file(s, key, old_file, err);
	result = found < 0 ? found : delete_from(s, "DELETE FROM entry WHERE key = ?", key, err);
	if (result == DPC_OK)
		result = delete_from(s, "DELETE FROM usage WHERE key = ?", key, err);
	result = sqlite_end(s, result, err);
	return result == DPC_OK ? found : result;
}

static int batch(void *self, bool begin, dpc_error *err)
{
	struct sqlite_store *s = self;
	if (!begin) {
		s->in_batch = false;
		return sqlite_end(s, DPC_OK, err);
	}
	int result = sqlite_begin(s, err);
	s->in_batch = result == DPC_OK;
	return result;
}

static void read_digest(struct digest *d, sqlite3_stmt *st, int column)
{
	const void *bytes = sqlite3_column_blob(st, column);
	*d = (struct digest){{0}};
	if (sqlite3_column_bytes(st, column) == sizeof d->bytes)
		memcpy(d->bytes, bytes, sizeof d->bytes);
}

static int look(void *self, const struct digest *key, struct entry_info *info, dpc_error *err)
{
	struct sqlite_store *s = self;
	sqlite3_stmt *st = sqlite_prepare(s, "SELECT created, question, cost FROM entry WHERE key = ?", err);
	if (!st)
		return sqlite_prepare_failure(err);
	bind_digest(st, 1, key);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*info = (struct entry_info){.key = *key, .created = sqlite3_column_int64(st, 0), .cost = sqlite3_column_int64(st, 2)};
		read_digest(&info->question, st, 1);
	}
	int result = rc == SQLITE_ROW ? DPC_OK : rc == SQLITE_DONE ? DPC_MISS : sqlite_failed(s, rc, err);
	sqlite_done(s, st);
	return result;
}

static void read_info(struct entry_info *info, sqlite3_stmt *st)
{
	*info = (struct entry_info){.created = sqlite3_column_int64(st, 2)};
	read_digest(&info->key, st, 0);
	read_digest(&info->question, st, 1);
	info->ttl = sqlite3_column_int64(st, 3);
	info->grace = sqlite3_column_int64(st, 4);
	info->generation = (uint64_t)sqlite3_column_int64(st, 5);
	info->cost = sqlite3_column_int64(st, 6);
	info->output_size = (uint64_t)sqlite3_column_int64(st, 7);
	info->stored_size = (uint64_t)sqlite3_column_int64(st, 8);
	info->status = (int32_t)sqlite3_column_int64(st, 9);
	info->flags = (uint32_t)sqlite3_column_int64(st, 10);
	info->label.data = sqlite3_column_blob(st, 11);
	info->label.size = (size_t)sqlite3_column_bytes(st, 11);
	info->file = (const char *)sqlite3_column_text(st, 12);
	info->hits = (uint64_t)sqlite3_column_int64(st, 13);
	info->used = sqlite3_column_int64(st, 14);
}

static int each(void *self, store_visit_fn *visit, void *context, dpc_error *err)
{
	struct sqlite_store *s = self;
	sqlite3_stmt *st = sqlite_prepare(
	    s,
	    "SELECT entry.key, question, created, ttl, grace, generation, cost, output_size, stored_size, status,"
	    " flags, label, file, ifnull(hits, 0), ifnull(used, 0)"
	    " FROM entry LEFT JOIN usage ON usage.key = entry.key"
	    " ORDER BY (flags & ?1) != 0, max(created, ifnull(used, 0))",
	    err);
	if (!st)
		return sqlite_prepare_failure(err);
	sqlite3_bind_int(st, 1, CAPSULE_MANIFEST);
	int rc, result = DPC_OK;
	while (result == DPC_OK && (rc = sqlite3_step(st)) != SQLITE_DONE) {
		struct entry_info info;
		if (rc != SQLITE_ROW) {
			result = sqlite_failed(s, rc, err);
			break;
		}
		read_info(&info, st);
		result = visit(context, &info);
	}
	sqlite_done(s, st);
	return result;
}

static int add_counters(struct sqlite_store *s, const struct counters *add, dpc_error *err)
{
	for (int i = 0; i < COUNTER_COUNT; i++) {
		if (!add->v[i])
			continue;
		sqlite3_stmt *st = sqlite_prepare(s,
		                           "INSERT INTO counter VALUES(?1, ?2)"
		                           " ON CONFLICT(id) DO UPDATE SET value = value + ?2",
		                           err);
		if (!st)
			return sqlite_prepare_failure(err);
		sqlite3_bind_int(st, 1, i);
		sqlite3_bind_int64(st, 2, add->v[i]);
		int result = sqlite_finish(s, st, err);
		if (result != DPC_OK)
			return result;
	}
	return DPC_OK;
}

static int add_hits(struct sqlite_store *s, const struct event_record *hits, size_t n, dpc_error *err)
{
	/* Only entries that are there: a named hit may outlive its entry. */
	sqlite3_stmt *st = sqlite_prepare(s,
	                           "INSERT INTO usage SELECT ?1, 1, ?2 WHERE EXISTS"
	                           " (SELECT 1 FROM entry WHERE key = ?1)"
	                           " ON CONFLICT(key) DO UPDATE SET hits = hits + 1, used = max(used, ?2)",
	                           err);
	if (!st)
		return sqlite_prepare_failure(err);
	int rc = SQLITE_DONE;
	for (size_t i = 0; i < n && rc == SQLITE_DONE; i++) {
		bind_digest(st, 1, &hits[i].key);
		sqlite3_bind_int64(st, 2, hits[i].time);
		rc = sqlite3_step(st);
		sqlite3_reset(st);
	}
	int result = rc == SQLITE_DONE ? DPC_OK : sqlite_failed(s, rc, err);
	sqlite_done(s, st);
	return result;
}

static int count(void *self, const struct counters *add, const struct event_record *hits, size_t n,
                 dpc_error *err)
{
	struct sqlite_store *s = self;
	int result = sqlite_begin(s, err);
	if (result != DPC_OK)
		return result;
	result = add_counters(s, add, err);
	if (result == DPC_OK)
		result = add_hits(s, hits, n, err);
	return sqlite_end(s, result, err);
}

static int totals(void *self, struct counters *out, dpc_error *err)
{
	struct sqlite_store *s = self;
	*out = (struct counters){{0}};
	sqlite3_stmt *st = sqlite_prepare(s, "SELECT id, value FROM counter", err);
	if (!st)
		return sqlite_prepare_failure(err);
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		int id = sqlite3_column_int(st, 0);
		if (id >= 0 && id < COUNTER_COUNT)
			out->v[id] = sqlite3_column_int64(st, 1);
	}
	int result = rc == SQLITE_DONE ? DPC_OK : sqlite_failed(s, rc, err);
	sqlite_done(s, st);
	return result;
}

static int reset_totals(void *self, dpc_error *err)
{
	return sqlite_exec(self, "DELETE FROM counter", err);
}

const struct store_ops store_sqlite = {
    .name = "sqlite",
    .version = sqlite3_libversion,
    .open = sqlite_open,
    .close = sqlite_close,
    .get = get,
    .put = put,
    .remove = remove_entry,
    .batch = batch,
    .look = look,
    .each = each,
    .count = count,
    .totals = totals,
    .reset_totals = reset_totals,
    .check = sqlite_check,
    .compact = sqlite_compact,
    .quarantine = sqlite_quarantine,
    .keeps = true,
    .stands = sqlite_stands,
    .settle = sqlite_settle,
};
