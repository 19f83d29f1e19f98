/* See sqlite_file.h. */
#include "sqlite_file.h"

#include "clock.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	APPLICATION_ID = 0x64706361, /* "dpca" */
	SCHEMA_VERSION = 2,
	BUSY_MS = 500,    /* somebody's sqlite3 shell may hold a lock: not for long */
	LOG_PAGES = 64,   /* checkpoint beyond this many … */
	KEPT_LOG_PAGES = 1000 /* … or these, where a connection stays */
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

int sqlite_failed(struct sqlite_store *s, int rc, dpc_error *err)
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

int sqlite_exec(struct sqlite_store *s, const char *sql, dpc_error *err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? DPC_OK : sqlite_failed(s, rc, err);
}

sqlite3_stmt *sqlite_prepare(struct sqlite_store *s, const char *sql, dpc_error *err)
{
	sqlite3_stmt *st = NULL;
	int i = 0;
	for (; i < SQLITE_PREPARED && s->prepared[i].sql; i++)
		if (s->prepared[i].sql == sql && !sqlite3_stmt_busy(s->prepared[i].st))
			return s->prepared[i].st;
	int rc = sqlite3_prepare_v3(s->db, sql, -1, s->kept ? SQLITE_PREPARE_PERSISTENT : 0, &st, NULL);
	if (rc != SQLITE_OK)
		sqlite_failed(s, rc, err);
	if (st && i < SQLITE_PREPARED) {
		s->prepared[i].sql = sql;
		s->prepared[i].st = st;
	}
	return st;
}

void sqlite_done(struct sqlite_store *s, sqlite3_stmt *st)
{
	for (int i = 0; i < SQLITE_PREPARED; i++)
		if (s->prepared[i].st == st) {
			sqlite3_reset(st);
			sqlite3_clear_bindings(st);
			return;
		}
	sqlite3_finalize(st);
}

static void end_prepared(struct sqlite_store *s)
{
	for (int i = 0; i < SQLITE_PREPARED; i++)
		sqlite3_finalize(s->prepared[i].st);
}

int sqlite_prepare_failure(const dpc_error *err)
{
	return err && err->code < 0 ? err->code : DPC_E_IO;
}

int sqlite_finish(struct sqlite_store *s, sqlite3_stmt *st, dpc_error *err)
{
	int rc = sqlite3_step(st);
	int result = rc == SQLITE_DONE || rc == SQLITE_ROW ? DPC_OK : sqlite_failed(s, rc, err);
	sqlite_done(s, st);
	return result;
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
	int result = rc == SQLITE_OK ? DPC_OK : sqlite_failed(&s, rc, err);
	/* A database nobody has seen yet needs no flush at each step. */
	if (result == DPC_OK)
		result = sqlite_exec(&s, "PRAGMA synchronous=OFF; BEGIN", err);
	if (result == DPC_OK)
		result = sqlite_exec(&s, SCHEMA, err);
	snprintf(sql, sizeof sql,
	         "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT; PRAGMA journal_mode=WAL;",
	         APPLICATION_ID, SCHEMA_VERSION);
	if (result == DPC_OK)
		result = sqlite_exec(&s, sql, err);
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

/* DPC_E_NOTFOUND when there is none. */
static int check_file(const char *path, dpc_error *err)
{
	struct stat st;
	if (lstat(path, &st) == 0)
		return S_ISREG(st.st_mode) ? DPC_OK : dpc__fail(err, DPC_E_IO, "cannot read %s: it is no file", path);
	if (errno == ENOENT)
		return dpc__fail(err, DPC_E_NOTFOUND, "nothing is remembered yet");
	return dpc__fail_errno(err, "cannot read %s", path);
}

/* Whose database it is and of which version stands in the first bytes of the
 * file, always: SQLite would prepare two statements to say so. They are read by SQLite's own
 * descriptor: closing another one of that file would give up all locks that this process
 * has on it, by whichever connection. */
static int check_identity(struct sqlite_store *s, dpc_error *err)
{
	enum { VERSION_AT = 60, APPLICATION_AT = 68 };
	uint8_t header[100] = {0};
	sqlite3_file *file = NULL;
	int rc = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (rc == SQLITE_OK && file && file->pMethods)
		rc = file->pMethods->xRead(file, header, sizeof header, 0);
	if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
		return sqlite_failed(s, rc, err);
	if (memcmp(header, "SQLite format 3", 16) != 0 || read_be32(header + APPLICATION_AT) != APPLICATION_ID)
		return dpc__fail(err, DPC_E_CORRUPT, "%s is damaged, empty or not dpcache's; run: dpcache doctor --fix", s->path);
	if (read_be32(header + VERSION_AT) < SCHEMA_VERSION)
		return dpc__fail(err, DPC_E_CORRUPT, "%s was made by an earlier dpcache; run: dpcache doctor --fix", s->path);
	if (read_be32(header + VERSION_AT) > SCHEMA_VERSION)
		return dpc__fail(err, DPC_E_VERSION,
		                 "%s was made by a later dpcache (version %u); upgrade, or set DPCACHE_DIR", s->path,
		                 read_be32(header + VERSION_AT));
	return DPC_OK;
}

void sqlite_close(void *self)
{
	struct sqlite_store *s = self;
	end_prepared(s);
	sqlite3_close(s->db);
	free(s);
}

int sqlite_open(void **self, const struct home *h, enum store_access access, dpc_error *err)
{
	struct sqlite_store *s = calloc(1, sizeof *s);
	if (!s)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	snprintf(s->path, sizeof s->path, "%.4000s/%s", h->path, DB);
	s->kept = access == STORE_KEPT;
	s->exclusive = access != STORE_SHARED && !s->kept;
	dpc_error why = {0};
	int result = check_file(s->path, &why);
	if (result == DPC_E_NOTFOUND && access == STORE_CREATE)
		result = make_database(h, err);
	else if (result != DPC_OK)
		dpc__fail(err, result, "%s", why.message);
	/* Who only looks has the write lock, and so needs none of SQLite's; without them
	 * the index is not shared with other processes, and no file made for it. */
	bool look = access == STORE_LOOK;
	int rc = SQLITE_OK, flags = look ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	if (result == DPC_OK)
		rc = sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX, look ? "unix-none" : NULL);
	if (rc != SQLITE_OK)
		result = sqlite_failed(s, rc, err);
	else if (result == DPC_OK)
		result = check_identity(s, err);
	if (result != DPC_OK) {
		sqlite_close(s);
		return result;
	}
	struct stat st;
	if (s->kept && stat(s->path, &st) == 0)
		s->inode = st.st_ino;
	configure(s);
	/* In KiB: of a million entries the way to the latest goes by as many pages of the index. */
	if (s->kept)
		sqlite3_exec(s->db, "PRAGMA cache_size=-16384", NULL, NULL, NULL);
	*self = s;
	return DPC_OK;
}

/* After a commit, under the write lock. A reader in the way only postpones. */
static void shorten_log(struct sqlite_store *s)
{
	if (s->kept && s->log_pages <= KEPT_LOG_PAGES)
		return;
	/* Where it goes on growing, its file may stay. */
	if (s->log_pages > LOG_PAGES)
		sqlite3_wal_checkpoint_v2(s->db, NULL, s->kept ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE,
		                          NULL, NULL);
	s->log_pages = 0;
}

/* What is in a log whose name is gone nobody else would ever see. */
bool sqlite_stands(void *self)
{
	struct sqlite_store *s = self;
	struct stat st;
	char log[PATH_MAX + 8];
	snprintf(log, sizeof log, "%s-wal", s->path);
	return stat(s->path, &st) == 0 && st.st_ino == s->inode && check_identity(s, NULL) == DPC_OK &&
	       (!s->log_pages || access(log, F_OK) == 0);
}

void sqlite_settle(void *self)
{
	struct sqlite_store *s = self;
	sqlite3_busy_timeout(s->db, 0);
	sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

/* A statement without parameters or rows that comes again and again. */
static int run(struct sqlite_store *s, const char *sql, dpc_error *err)
{
	sqlite3_stmt *st = sqlite_prepare(s, sql, err);
	return st ? sqlite_finish(s, st, err) : sqlite_prepare_failure(err);
}

int sqlite_begin(struct sqlite_store *s, dpc_error *err)
{
	static const char begin[] = "BEGIN IMMEDIATE";
	if (s->in_batch)
		return DPC_OK;
	if (s->exclusive && run(s, begin, NULL) == DPC_OK)
		return DPC_OK;
	if (s->exclusive)
		share(s);
	return run(s, begin, err);
}

int sqlite_end(struct sqlite_store *s, int result, dpc_error *err)
{
	if (s->in_batch)
		return result;
	if (result == DPC_OK)
		result = run(s, "COMMIT", err);
	if (result != DPC_OK) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return result;
	}
	shorten_log(s);
	return DPC_OK;
}

int sqlite_check(void *self, dpc_error *err)
{
	struct sqlite_store *s = self;
	sqlite3_stmt *st = sqlite_prepare(s, "PRAGMA integrity_check(1)", err);
	if (!st)
		return sqlite_prepare_failure(err);
	int rc = sqlite3_step(st), result;
	const char *said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
	if (!said)
		result = sqlite_failed(s, rc, err);
	else if (strcmp(said, "ok") != 0)
		result = dpc__fail(err, DPC_E_CORRUPT, "%s: %s", s->path, said);
	else
		result = DPC_OK;
	sqlite_done(s, st);
	return result;
}

int sqlite_compact(void *self, dpc_error *err)
{
	struct sqlite_store *s = self;
	static const char vacuum[] = "VACUUM";
	int result = s->exclusive ? sqlite_exec(s, vacuum, NULL) : DPC_E_BUSY;
	/* Somebody has it open. */
	if (result == DPC_E_BUSY) {
		share(s);
		result = sqlite_exec(s, vacuum, err);
	} else if (result != DPC_OK) {
		sqlite_failed(s, sqlite3_errcode(s->db), err);
	}
	s->log_pages = LOG_PAGES + 1;
	shorten_log(s);
	return result;
}

int sqlite_quarantine(const struct home *h, char *moved, size_t size, dpc_error *err)
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
