/* The engines without the library, and a Python one behind a pipe. */
#include "stores.h"

#include <lmdb.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *path_in(const char *directory, const char *name)
{
	static char path[4096];
	mkdir(directory, 0700);
	snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

/* --- SQLite --- */

struct raw_sqlite {
	sqlite3 *db;
	sqlite3_stmt *get, *put;
};

void *raw_sqlite_open(const char *where)
{
	struct raw_sqlite *s = calloc(1, sizeof *s);
	if (sqlite3_open(path_in(where, "raw.db"), &s->db) != SQLITE_OK ||
	    sqlite3_exec(s->db,
	                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
	                 "CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY, value BLOB)",
	                 NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(s->db, "SELECT value FROM kv WHERE key = ?", -1, &s->get, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(s->db, "INSERT OR REPLACE INTO kv VALUES(?, ?)", -1, &s->put, NULL) != SQLITE_OK)
		die(where, sqlite3_errmsg(s->db));
	return s;
}

void raw_sqlite_put(void *self, const char *key, const void *value, size_t size)
{
	struct raw_sqlite *s = self;
	sqlite3_bind_blob(s->put, 1, key, (int)strlen(key), SQLITE_STATIC);
	sqlite3_bind_blob(s->put, 2, value, (int)size, SQLITE_STATIC);
	if (sqlite3_step(s->put) != SQLITE_DONE)
		die(key, sqlite3_errmsg(s->db));
	sqlite3_reset(s->put);
}

size_t raw_sqlite_get(void *self, const char *key)
{
	struct raw_sqlite *s = self;
	sqlite3_bind_blob(s->get, 1, key, (int)strlen(key), SQLITE_STATIC);
	if (sqlite3_step(s->get) != SQLITE_ROW)
		die(key, sqlite3_errmsg(s->db));
	const void *value = sqlite3_column_blob(s->get, 0);
	size_t size = (size_t)sqlite3_column_bytes(s->get, 0);
	char *copy = malloc(size);
	memcpy(copy, value, size);
	sqlite3_reset(s->get);
	free(copy);
	return size;
}

/* --- LMDB --- */

struct raw_lmdb {
	MDB_env *env;
	MDB_dbi table;
};

static void must(int rc, const char *what)
{
	if (rc != 0)
		die(what, mdb_strerror(rc));
}

void *raw_lmdb_open(const char *where)
{
	struct raw_lmdb *s = calloc(1, sizeof *s);
	MDB_txn *txn;
	must(mdb_env_create(&s->env), where);
	must(mdb_env_set_mapsize(s->env, (size_t)1 << 30), where);
	must(mdb_env_open(s->env, path_in(where, "raw.mdb"), MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOTLS, 0600), where);
	must(mdb_txn_begin(s->env, NULL, 0, &txn), where);
	must(mdb_dbi_open(txn, NULL, 0, &s->table), where);
	must(mdb_txn_commit(txn), where);
	return s;
}

void raw_lmdb_put(void *self, const char *key, const void *value, size_t size)
{
	struct raw_lmdb *s = self;
	MDB_txn *txn;
	MDB_val name = {strlen(key), (void *)key}, bytes = {size, (void *)value};
	must(mdb_txn_begin(s->env, NULL, 0, &txn), key);
	must(mdb_put(txn, s->table, &name, &bytes, 0), key);
	must(mdb_txn_commit(txn), key);
}

size_t raw_lmdb_get(void *self, const char *key)
{
	struct raw_lmdb *s = self;
	MDB_txn *txn;
	MDB_val name = {strlen(key), (void *)key}, bytes;
	must(mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn), key);
	must(mdb_get(txn, s->table, &name, &bytes), key);
	char *copy = malloc(bytes.mv_size);
	memcpy(copy, bytes.mv_data, bytes.mv_size);
	mdb_txn_abort(txn);
	free(copy);
	return bytes.mv_size;
}

/* --- Python: asked for a block of calls in a line, answers with the ns they took --- */

struct python {
	FILE *to, *from;
};

void *python_open(const char *where)
{
	struct python *s = calloc(1, sizeof *s);
	int to[2], from[2];
	if (pipe(to) < 0 || pipe(from) < 0)
		die(where, "no pipe");
	pid_t pid = fork();
	if (pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(to[1]);
		close(from[0]);
		execl("/usr/bin/python3", "python3", where, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	s->to = fdopen(to[1], "w");
	s->from = fdopen(from[0], "r");
	return s;
}

double python_block(void *self, bool put, long calls, long entries, long size)
{
	struct python *s = self;
	double ns;
	fprintf(s->to, "%s %ld %ld %ld\n", put ? "put" : "get", calls, entries, size);
	fflush(s->to);
	if (fscanf(s->from, "%lf", &ns) != 1)
		die("python", "did not answer");
	return ns;
}
