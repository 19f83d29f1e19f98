/* See lmdb_file.h. */
#include "lmdb_file.h"

#include "clock.h"
#include "lmdb_pages.h"
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char DB[] = "cache.mdb", DB_LOCK[] = "cache.mdb-lock", DB_NEW[] = "cache.mdb.new";

/* --- whose it is --- */

static int write_identity(MDB_env *env)
{
	MDB_txn *txn;
	MDB_dbi table;
	char text[RECORD_STAMP];
	struct record_key name = record_key(RECORD_VERSION, NULL);
	struct slice stamp = record_stamp(text);
	MDB_val key = {name.size, name.bytes}, value = {stamp.size, text};
	int rc = mdb_txn_begin(env, NULL, 0, &txn);
	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &table);
	if (rc == 0)
		rc = mdb_put(txn, table, &key, &value, 0);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

static int check_identity(struct lmdb_env *e, dpc_error *err)
{
	struct lmdb_work w;
	struct record_key name = record_key(RECORD_VERSION, NULL);
	MDB_val key = {name.size, name.bytes}, value;
	const char *path = lmdb_env_path(e);
	int result = lmdb_read(&w, e, NULL, err);
	if (result != DPC_OK)
		return result;
	result = lmdb_pages_sound(&w, &key, err);
	int rc = result == DPC_OK ? mdb_get(w.txn, w.table, &key, &value) : 0;
	if (rc == MDB_NOTFOUND)
		value = (MDB_val){0, NULL};
	else if (rc != 0)
		result = lmdb_failed(path, rc, err);
	if (result == DPC_OK)
		result = record_check_stamp((struct slice){value.mv_data, value.mv_size}, path, err);
	lmdb_end(&w, DPC_OK, NULL);
	return result;
}

/* --- replacing it --- */

/* On disk before it has the name. The readers noted in the lock file are the old
 * one's. */
static int put_in_place(const struct home *h, dpc_error *err)
{
	int fd = openat(h->fd, DB_NEW, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	bool done = fd >= 0 && fdatasync(fd) == 0;
	if (fd >= 0)
		close(fd);
	done = done && (unlinkat(h->fd, DB_LOCK, 0) == 0 || errno == ENOENT) &&
	       renameat(h->fd, DB_NEW, h->fd, DB) == 0;
	return done ? DPC_OK : dpc__fail_errno(err, "cannot create %s/%s", h->path, DB);
}

static int replace(const struct home *h, dpc_error *err)
{
	int gate = lmdb_keep_out(h, err);
	int rc = gate < 0 ? gate : put_in_place(h, err);
	lmdb_let_in(gate);
	return rc;
}

/* Nothing is left there of one that was killed. */
static void name_new(char path[PATH_MAX], const struct home *h)
{
	snprintf(path, PATH_MAX, "%.4000s/%s", h->path, DB_NEW);
	unlinkat(h->fd, DB_NEW, 0);
}

/* Made complete under another name: one that exists but is empty has been
 * truncated, and is told. */
static int make_database(const struct home *h, dpc_error *err)
{
	MDB_env *env;
	char path[PATH_MAX];
	name_new(path, h);
	int rc = mdb_env_create(&env);
	if (rc != 0)
		return lmdb_failed(path, rc, err);
	rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOMETASYNC, 0600);
	if (rc == 0)
		rc = write_identity(env);
	mdb_env_close(env);
	int result = rc == 0 ? replace(h, err) : lmdb_failed(path, rc, err);
	if (result != DPC_OK)
		unlinkat(h->fd, DB_NEW, 0);
	return result;
}

/* --- opening --- */

static int open_env(struct lmdb_env **out, const struct home *h, enum store_access access, dpc_error *err)
{
	int rc = lmdb_pages_file(h, DB, err);
	if (rc == DPC_OK)
		rc = lmdb_env_open(out, h, DB, access, err);
	if (rc == DPC_OK && (rc = check_identity(*out, err)) != DPC_OK) {
		lmdb_env_close(*out);
		*out = NULL;
	}
	return rc;
}

int lmdb_open(void **self, const struct home *h, enum store_access access, dpc_error *err)
{
	dpc_error why = {0};
	struct lmdb_store *s = calloc(1, sizeof *s);
	if (!s)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	s->home = h;
	s->kept = access == STORE_KEPT;
	int rc = open_env(&s->env, h, access, &why);
	if (rc == DPC_E_NOTFOUND && access == STORE_CREATE) {
		rc = make_database(h, &why);
		if (rc == DPC_OK)
			rc = open_env(&s->env, h, STORE_ALONE, &why);
	}
	if (rc == DPC_OK) {
		*self = s;
		return rc;
	}
	free(s);
	return dpc__fail(err, rc, "%s", why.message);
}

void lmdb_close(void *self)
{
	struct lmdb_store *s = self;
	if (!s->env || !lmdb_env_is_parents(s->env)) {
		lmdb_end(&s->batch, DPC_E_IO, NULL);
		lmdb_reader_release(&s->reader);
		lmdb_env_close(s->env);
	}
	free(s);
}

/* --- health --- */

void lmdb_commits(uint64_t *last, uint64_t *read, void *self)
{
	const struct lmdb_store *s = self;
	*read = s->reader.seen;
	*last = lmdb_pages_last(&s->reader);
}

bool lmdb_stands(void *self)
{
	struct lmdb_store *s = self;
	return lmdb_env_is_at(s->env, s->home, DB) && lmdb_pages_file(s->home, DB, NULL) == DPC_OK;
}

int lmdb_check(void *self, dpc_error *err)
{
	struct lmdb_store *s = self;
	struct lmdb_work w;
	int rc = lmdb_read(&w, s->env, NULL, err);
	return rc == DPC_OK ? lmdb_end(&w, lmdb_pages_sound(&w, NULL, err), err) : rc;
}

/* A copy without what is free in it takes the file's place. A reader in the way
 * only postpones that. */
int lmdb_compact(void *self, dpc_error *err)
{
	struct lmdb_store *s = self;
	char path[PATH_MAX];
	int result = lmdb_check(s, err);
	if (result != DPC_OK)
		return result;
	name_new(path, s->home);
	/* Made here, for LMDB would let others read it. */
	int fd = openat(s->home->fd, DB_NEW, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = fd < 0 ? errno : mdb_env_copyfd2(lmdb_env_of(s->env), fd, MDB_CP_COMPACT);
	if (fd >= 0)
		close(fd);
	lmdb_env_close(s->env);
	s->env = NULL;
	result = rc == 0 ? replace(s->home, err) : lmdb_failed(path, rc, err);
	unlinkat(s->home->fd, DB_NEW, 0);
	int opened = open_env(&s->env, s->home, STORE_ALONE, result == DPC_OK ? err : NULL);
	return opened == DPC_OK && result != DPC_E_BUSY ? result : opened;
}

int lmdb_quarantine(const struct home *h, char *moved, size_t size, dpc_error *err)
{
	snprintf(moved, size, "%s.broken-%lld", DB, (long long)clock_wall_ns());
	int gate = lmdb_keep_out(h, err);
	if (gate < 0)
		return gate;
	int rc = DPC_OK;
	if (renameat(h->fd, DB, h->fd, moved) < 0 && errno != ENOENT)
		rc = dpc__fail_errno(err, "cannot move %s/%s aside", h->path, DB);
	else
		unlinkat(h->fd, DB_LOCK, 0);
	lmdb_let_in(gate);
	return rc;
}
