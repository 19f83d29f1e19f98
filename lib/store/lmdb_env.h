/* lmdb_env: LMDB's environments, as many as this process has open, and the
 * transactions in them.
 *
 * Discipline. A file must not be open twice in one process: closing the one would
 * drop the other's locks. So all stores of a process share it. Every write happens
 * under the write lock; readers are in LMDB's table of them. The table belongs to
 * the file's name, not to the file: so nobody puts another file in place while one
 * is open anywhere, which a shared flock on the home says.
 *
 * Each commit flushes the data and not the page that points to it: power loss may
 * cost the last result, but never the database. (SQLite's log spares us that flush
 * too. LMDB writes pages in place that the last flushed state no longer needs, and
 * without a flush in between that is only what it hopes.) */
#ifndef DPC_LMDB_ENV_H
#define DPC_LMDB_ENV_H

#include "store.h"

#include <lmdb.h>

struct lmdb_env;

/* The file, which is there, in the home. */
int lmdb_env_open(struct lmdb_env **out, const struct home *h, const char *name, enum store_access access,
                  dpc_error *err);
void lmdb_env_close(struct lmdb_env *e);

/* What LMDB's result code means here. Returns the DPC_E_ code. */
int lmdb_failed(const char *path, int rc, dpc_error *err);

/* What a store that is kept has for all its readers, one after the other. Zero-initialise;
 * released with lmdb_reader_release, unless the environment is a parent's. */
struct lmdb_reader {
	MDB_txn *txn;
	const uint8_t *map; /* the file, as far as it has been seen */
	size_t pages, page_size;
	size_t seen; /* the last transaction that was committed when it was last read */
};
void lmdb_reader_release(struct lmdb_reader *r);

/* A transaction in the only table. `room` is what is going to be put, roughly; it
 * counts for a writer. */
struct lmdb_work {
	struct lmdb_env *env;
	MDB_txn *txn;
	struct lmdb_reader *reader; /* whose map is used and, to read, whose transaction; NULL: its own */
	MDB_dbi table;
	bool writes;
	bool sound; /* each page has been looked at */
};
/* `reader` NULL: a transaction for once. */
int lmdb_read(struct lmdb_work *w, struct lmdb_env *e, struct lmdb_reader *reader, dpc_error *err);
int lmdb_write(struct lmdb_work *w, struct lmdb_env *e, size_t room, dpc_error *err);

/* Commits when `result` is DPC_OK or DPC_MISS and it was a writer's, else gives it
 * up. Returns what came of it. */
int lmdb_end(struct lmdb_work *w, int result, dpc_error *err);

/* Of the file as a whole. */
MDB_env *lmdb_env_of(struct lmdb_env *e);
bool lmdb_env_is_parents(const struct lmdb_env *e);
/* Is it the file of that name? */
bool lmdb_env_is_at(const struct lmdb_env *e, const struct home *h, const char *name);
const char *lmdb_env_path(const struct lmdb_env *e);

/* Keep out all who would open the file, as long as it is being replaced; returns a
 * descriptor for lmdb_let_in. DPC_E_BUSY when it is in use for too long. */
int lmdb_keep_out(const struct home *h, dpc_error *err);
void lmdb_let_in(int gate);

#endif
