/* The default engine: one SQLite database in WAL mode, home/cache.db.
 *
 * Discipline, for SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when two
 * connections write and checkpoint at the same instant: every write and every
 * checkpoint happens under the write lock; automatic checkpoints and the one on
 * close are off; nothing is memory-mapped.
 *
 * The log is kept short: the first connection after the last one closed reads
 * it all, and most of our connections are that. */
#include "store.h"

#include "clock.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	APPLICATION_ID = 0x64706361, /* "dpca" */
	SCHEMA_VERSION = 2,
	BUSY_MS = 500,    /* somebody's sqlite3 shell may hold a lock: not for long */
	LOG_PAGES = 64    /* checkpoint beyond this many */
};

static const char DB[] = "cache.db";

static const char SCHEMA[] =
    "CREATE TABLE entry(key BLOB NOT NULL PRIMARY KEY, question BLOB NOT NULL,"
    " created INTEGER NOT NULL, ttl INTEGER NOT NULL, grace INTEGER NOT NULL, generation INTEGER NOT NULL,"
    " cost INTEGER NOT NULL, output_size INTEGER NOT NULL, stored_size INTEGER NOT NULL,"
    " status INTEGER NOT NULL, flags INTEGER NOT NULL, label BLOB NOT NULL, file TEXT,"
    " capsule BLOB);"
    "CREATE TABLE usage(key BLOB NOT NULL PRIMARY KEY, hits INTEGER NOT NULL,"
    " used INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE counter(id INTEGER PRIMARY KEY, value INTEGER NOT NULL);";

struct sqlite_store {
	sqlite3 *db;
	char path[PATH_MAX];
	int log_pages; /* as of the last commit */
	bool exclusive; /* alone with the file, as long as nobody reads it */
	bool in_batch; /* one transaction around several calls */
};

static int failed(struct sqlite_store *s, int rc, dpc_error *err)
{
	int code = DPC_E_IO;
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return dpc__fail(err, DPC_E_CORRUPT, "%s is damaged (%s); run: dpcache doctor --fix", s->path,
		                 sqlite3_errstr(rc));
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = DPC_E_BUSY;
		break;
	case SQLITE_NOMEM:
		code = DPC_E_MEMORY;
		break;
	}
	return dpc__fail(err, code, "%s: %s", s->path, s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
}

static uint32_t read_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int exec(struct sqlite_store *s, const char *sql, dpc_error *err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? DPC_OK : failed(s, rc, err);
}

static sqlite3_stmt *prepare(struct sqlite_store *s, const char *sql, dpc_error *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
	if (rc != SQLITE_OK)
		failed(s, rc, err);
	return st;
}

static int prepare_failure(const dpc_error *err)
{
	return err && err->code < 0 ? err->code : DPC_E_IO;
}

/* Run a statement that yields no rows. */
static int finish(struct sqlite_store *s, sqlite3_stmt *st, dpc_error *err)
{
	int rc = sqlite3_step(st);
	int result = rc == SQLITE_DONE || rc == SQLITE_ROW ? DPC_OK : failed(s, rc, err);
	sqlite3_finalize(st);
	return result;
}

static void bind_digest(sqlite3_stmt *st, int at, const struct digest *d)
{
	sqlite3_bind_blob(st, at, d->bytes, sizeof d->bytes, SQLITE_STATIC);
}

static int note_log_pages(void *self, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	((struct sqlite_store *)self)->log_pages = pages;
	return SQLITE_OK;
}

/* The second pragma looks into the database, and so takes the lock on its file.
 * A lock on it as a whole spares the index that is shared with other processes
 * (cache.db-shm): the only one there is rebuilds it at each start. */
static void take_place(struct sqlite_store *s, const char *locking_mode, int patience_ms)
{
	sqlite3_busy_timeout(s->db, patience_ms);
	sqlite3_exec(s->db, locking_mode, NULL, NULL, NULL);
	/* Flush at checkpoints, not at each commit: power loss may cost the last
	 * results, but never the database. */
	sqlite3_exec(s->db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
}

/* Beside whoever else reads or writes. */
static void share(struct sqlite_store *s)
{
	s->exclusive = false;
	take_place(s, "PRAGMA locking_mode=NORMAL", BUSY_MS);
}

static void configure(struct sqlite_store *s)
{
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_wal_autocheckpoint(s->db, 0);
	sqlite3_wal_hook(s->db, note_log_pages, s);
	if (s->exclusive)
		take_place(s, "PRAGMA locking_mode=EXCLUSIVE", 0);
	else
		share(s);
}

/* The database is made complete under another name and then linked into
 * place: one that exists but is empty has been truncated, and is told. */
static int make_database(const struct home *h, dpc_error *err)
{
	struct sqlite_store s = {0};
	char sql[256], final[PATH_MAX];
	snprintf(s.path, sizeof s.path, "%.4000s/%s.new", h->path, DB);
	snprintf(final, sizeof final, "%.4000s/%s", h->path, DB);
	unlink(s.path);
	/* Made here, for SQLite would let others read it; log and index follow its
	 * mode. */
	int fd = open(s.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return dpc__fail_errno(err, "cannot create %s", s.path);
	close(fd);
	int rc = sqlite3_open_v2(s.path, &s.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	int result = rc == SQLITE_OK ? DPC_OK : failed(&s, rc, err);
	/* A database nobody has seen yet needs no flush at each step. */
	if (result == DPC_OK)
		result = exec(&s, "PRAGMA synchronous=OFF; BEGIN", err);
	if (result == DPC_OK)
		result = exec(&s, SCHEMA, err);
	snprintf(sql, sizeof sql,
	         "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT; PRAGMA journal_mode=WAL;",
	         APPLICATION_ID, SCHEMA_VERSION);
	if (result == DPC_OK)
		result = exec(&s, sql, err);
	sqlite3_close(s.db);
	/* A log left beside a database that is gone belongs to the old one. */
	char stale[PATH_MAX + 8];
	static const char *const suffixes[] = {"-wal", "-shm"};
	for (int i = 0; i < 2; i++) {
		snprintf(stale, sizeof stale, "%s%s", final, suffixes[i]);
		unlink(stale);
	}
	if (result == DPC_OK && rename(s.path, final) < 0)
		result = dpc__fail_errno(err, "cannot create %s", final);
	if (result != DPC_OK)
		unlink(s.path);
	return result;
}

/* Whose database it is and of which version stands in the first bytes of the
 * file, always: SQLite would prepare two statements to say so. DPC_E_NOTFOUND
 * when there is no file. */
static int check_identity(const char *path, dpc_error *err)
{
	enum { VERSION_AT = 60, APPLICATION_AT = 68 };
	uint8_t header[100];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return dpc__fail(err, DPC_E_NOTFOUND, "nothing is remembered yet");
	ssize_t n = fd < 0 ? -1 : os_pread_full(fd, header, sizeof header, 0);
	int rc = n < 0 ? dpc__fail_errno(err, "cannot read %s", path) : DPC_OK;
	if (fd >= 0)
		close(fd);
	if (rc != DPC_OK)
		return rc;
	if (n < (ssize_t)sizeof header || memcmp(header, "SQLite format 3", 16) != 0 ||
	    read_be32(header + APPLICATION_AT) != APPLICATION_ID)
		return dpc__fail(err, DPC_E_CORRUPT, "%s is damaged, empty or not dpcache's; run: dpcache doctor --fix", path);
	if (read_be32(header + VERSION_AT) < SCHEMA_VERSION)
		return dpc__fail(err, DPC_E_CORRUPT, "%s was made by an earlier dpcache; run: dpcache doctor --fix", path);
	if (read_be32(header + VERSION_AT) > SCHEMA_VERSION)
		return dpc__fail(err, DPC_E_VERSION,
		                 "%s was made by a later dpcache (version %u); upgrade, or set DPCACHE_DIR", path,
		                 read_be32(header + VERSION_AT));
	return DPC_OK;
}

static void close_store(void *self)
{
	struct sqlite_store *s = self;
	sqlite3_close(s->db);
	free(s);
}

static int open_store(void **self, const struct home *h, enum store_access access, dpc_error *err)
{
	struct sqlite_store *s = calloc(1, sizeof *s);
	if (!s)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	snprintf(s->path, sizeof s->path, "%.4000s/%s", h->path, DB);
	s->exclusive = access != STORE_SHARED;
	dpc_error why = {0};
	int result = check_identity(s->path, &why);
	if (result == DPC_E_NOTFOUND && access == STORE_CREATE)
		result = make_database(h, err);
	else if (result != DPC_OK)
		dpc__fail(err, result, "%s", why.message);
	int rc = SQLITE_OK;
	if (result == DPC_OK)
		rc = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		result = failed(s, rc, err);
	if (result != DPC_OK) {
		close_store(s);
		return result;
	}
	configure(s);
	*self = s;
	return DPC_OK;
}

/* After a commit, under the write lock. A reader in the way only postpones. */
static void shorten_log(struct sqlite_store *s)
{
	if (s->log_pages > LOG_PAGES)
		sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	s->log_pages = 0;
}

static int get(void *self, const struct digest *key, struct buf *capsule, struct buf *file,
               dpc_error *err)
{
	struct sqlite_store *s = self;
	sqlite3_stmt *st = prepare(s, "SELECT capsule, file FROM entry WHERE key = ?", err);
	if (!st)
		return prepare_failure(err);
	bind_digest(st, 1, key);
	int rc = sqlite3_step(st), result = DPC_OK;
	if (rc == SQLITE_ROW) {
		const void *bytes = sqlite3_column_blob(st, 0);
		buf_put(capsule, bytes, (size_t)sqlite3_column_bytes(st, 0));
		if (sqlite3_column_type(st, 1) != SQLITE_NULL)
			buf_put(file, sqlite3_column_text(st, 1), (size_t)sqlite3_column_bytes(st, 1) + 1);
	} else {
		result = rc == SQLITE_DONE ? DPC_MISS : failed(s, rc, err);
	}
	sqlite3_finalize(st);
	return result;
}

/* The file of what is about to be replaced or removed. */
static int find_old_file(struct sqlite_store *s, const struct digest *key, struct buf *old_file,
                         dpc_error *err)
{
	sqlite3_stmt *st = prepare(s, "SELECT file FROM entry WHERE key = ?", err);
	if (!st)
		return prepare_failure(err);
	bind_digest(st, 1, key);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
		buf_put(old_file, sqlite3_column_text(st, 0), (size_t)sqlite3_column_bytes(st, 0) + 1);
	int result = rc == SQLITE_ROW ? DPC_OK : rc == SQLITE_DONE ? DPC_MISS : failed(s, rc, err);
	sqlite3_finalize(st);
	return result;
}

static int insert(struct sqlite_store *s, const struct entry_info *info, struct slice capsule,
                  dpc_error *err)
{
	sqlite3_stmt *st = prepare(s, "INSERT OR REPLACE INTO entry VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)", err);
	if (!st)
		return prepare_failure(err);
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
	return finish(s, st, err);
}

static int begin_transaction(struct sqlite_store *s, dpc_error *err)
{
	static const char begin[] = "BEGIN IMMEDIATE";
	if (s->in_batch)
		return DPC_OK;
	if (s->exclusive && exec(s, begin, NULL) == DPC_OK)
		return DPC_OK;
	if (s->exclusive)
		share(s);
	return exec(s, begin, err);
}

static int end_transaction(struct sqlite_store *s, int result, dpc_error *err)
{
	if (s->in_batch)
		return result;
	if (result == DPC_OK)
		result = exec(s, "COMMIT", err);
	if (result != DPC_OK) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return result;
	}
	shorten_log(s);
	return DPC_OK;
}

static int put(void *self, const struct entry_info *info, struct slice capsule, struct buf *old_file,
               dpc_error *err)
{
	struct sqlite_store *s = self;
	int result = begin_transaction(s, err);
	if (result != DPC_OK)
		return result;
	result = find_old_file(s, &info->key, old_file, err);
	if (result == DPC_OK || result == DPC_MISS)
		result = insert(s, info, capsule, err);
	return end_transaction(s, result, err);
}

static int delete_from(struct sqlite_store *s, const char *sql, const struct digest *key, dpc_error *err)
{
	sqlite3_stmt *st = prepare(s, sql, err);
	if (!st)
		return prepare_failure(err);
	bind_digest(st, 1, key);
	return finish(s, st, err);
}

static int remove_entry(void *self, const struct digest *key, struct buf *old_file, dpc_error *err)
{
	struct sqlite_store *s = self;
	int result = begin_transaction(s, err);
	if (result != DPC_OK)
		return result;
	int found = find_old_file(s, key, old_file, err);
	result = found < 0 ? found : delete_from(s, "DELETE FROM entry WHERE key = ?", key, err);
	if (result == DPC_OK)
		result = delete_from(s, "DELETE FROM usage WHERE key = ?", key, err);
	result = end_transaction(s, result, err);
	return result == DPC_OK ? found : result;
}

static int batch(void *self, bool begin, dpc_error *err)
{
	struct sqlite_store *s = self;
	if (!begin) {
		s->in_batch = false;
		return end_transaction(s, DPC_OK, err);
	}
	int result = begin_transaction(s, err);
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
	sqlite3_stmt *st = prepare(s, "SELECT created, question, cost FROM entry WHERE key = ?", err);
	if (!st)
		return prepare_failure(err);
	bind_digest(st, 1, key);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*info = (struct entry_info){.key = *key, .created = sqlite3_column_int64(st, 0), .cost = sqlite3_column_int64(st, 2)};
		read_digest(&info->question, st, 1);
	}
	int result = rc == SQLITE_ROW ? DPC_OK : rc == SQLITE_DONE ? DPC_MISS : failed(s, rc, err);
	sqlite3_finalize(st);
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
	sqlite3_stmt *st = prepare(
	    s,
	    "SELECT entry.key, question, created, ttl, grace, generation, cost, output_size, stored_size, status,"
	    " flags, label, file, ifnull(hits, 0), ifnull(used, 0)"
	    " FROM entry LEFT JOIN usage ON usage.key = entry.key"
	    " ORDER BY max(created, ifnull(used, 0))",
	    err);
	if (!st)
		return prepare_failure(err);
	int rc, result = DPC_OK;
	while (result == DPC_OK && (rc = sqlite3_step(st)) != SQLITE_DONE) {
		struct entry_info info;
		if (rc != SQLITE_ROW) {
			result = failed(s, rc, err);
			break;
		}
		read_info(&info, st);
		result = visit(context, &info);
	}
	sqlite3_finalize(st);
	return result;
}

static int add_counters(struct sqlite_store *s, const struct counters *add, dpc_error *err)
{
	for (int i = 0; i < COUNTER_COUNT; i++) {
		if (!add->v[i])
			continue;
		sqlite3_stmt *st = prepare(s,
		                           "INSERT INTO counter VALUES(?1, ?2)"
		                           " ON CONFLICT(id) DO UPDATE SET value = value + ?2",
		                           err);
		if (!st)
			return prepare_failure(err);
		sqlite3_bind_int(st, 1, i);
		sqlite3_bind_int64(st, 2, add->v[i]);
		int result = finish(s, st, err);
		if (result != DPC_OK)
			return result;
	}
	return DPC_OK;
}

static int add_hits(struct sqlite_store *s, const struct event_record *hits, size_t n, dpc_error *err)
{
	/* Only entries that are there: a named hit may outlive its entry. */
	sqlite3_stmt *st = prepare(s,
	                           "INSERT INTO usage SELECT ?1, 1, ?2 WHERE EXISTS"
	                           " (SELECT 1 FROM entry WHERE key = ?1)"
	                           " ON CONFLICT(key) DO UPDATE SET hits = hits + 1, used = max(used, ?2)",
	                           err);
	if (!st)
		return prepare_failure(err);
	int rc = SQLITE_DONE;
	for (size_t i = 0; i < n && rc == SQLITE_DONE; i++) {
		bind_digest(st, 1, &hits[i].key);
		sqlite3_bind_int64(st, 2, hits[i].time);
		rc = sqlite3_step(st);
		sqlite3_reset(st);
	}
	int result = rc == SQLITE_DONE ? DPC_OK : failed(s, rc, err);
	sqlite3_finalize(st);
	return result;
}

static int count(void *self, const struct counters *add, const struct event_record *hits, size_t n,
                 dpc_error *err)
{
	struct sqlite_store *s = self;
	int result = begin_transaction(s, err);
	if (result != DPC_OK)
		return result;
	result = add_counters(s, add, err);
	if (result == DPC_OK)
		result = add_hits(s, hits, n, err);
	return end_transaction(s, result, err);
}

static int totals(void *self, struct counters *out, dpc_error *err)
{
	struct sqlite_store *s = self;
	*out = (struct counters){{0}};
	sqlite3_stmt *st = prepare(s, "SELECT id, value FROM counter", err);
	if (!st)
		return prepare_failure(err);
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		int id = sqlite3_column_int(st, 0);
		if (id >= 0 && id < COUNTER_COUNT)
			out->v[id] = sqlite3_column_int64(st, 1);
	}
	int result = rc == SQLITE_DONE ? DPC_OK : failed(s, rc, err);
	sqlite3_finalize(st);
	return result;
}

static int reset_totals(void *self, dpc_error *err)
{
	return exec(self, "DELETE FROM counter", err);
}

static int check(void *self, dpc_error *err)
{
	struct sqlite_store *s = self;
	sqlite3_stmt *st = prepare(s, "PRAGMA integrity_check(1)", err);
	if (!st)
		return prepare_failure(err);
	int rc = sqlite3_step(st), result;
	const char *said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
	if (!said)
		result = failed(s, rc, err);
	else if (strcmp(said, "ok") != 0)
		result = dpc__fail(err, DPC_E_CORRUPT, "%s: %s", s->path, said);
	else
		result = DPC_OK;
	sqlite3_finalize(st);
	return result;
}

static int compact(void *self, dpc_error *err)
{
	struct sqlite_store *s = self;
	int result = exec(s, "VACUUM", err);
	s->log_pages = LOG_PAGES + 1;
	shorten_log(s);
	return result;
}

static int quarantine(const struct home *h, char *moved, size_t size, dpc_error *err)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	snprintf(moved, size, "%s.broken-%lld", DB, (long long)clock_wall_ns());
	for (int i = 0; i < 3; i++) {
		char from[64], to[128];
		snprintf(from, sizeof from, "%s%s", DB, suffixes[i]);
		snprintf(to, sizeof to, "%s%s", moved, suffixes[i]);
		if (renameat(h->fd, from, h->fd, to) < 0 && errno != ENOENT)
			return dpc__fail_errno(err, "cannot move %s/%s aside", h->path, from);
	}
	return DPC_OK;
}

const struct store_ops store_sqlite = {
    .name = "sqlite",
    .version = sqlite3_libversion,
    .open = open_store,
    .close = close_store,
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
};
