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

/* The file, which is there, in the home. With `look`, for reading under the write
 * lock and without a trace. */
int lmdb_env_open(struct lmdb_env **out, const struct home *h, const char *name, bool look, dpc_error *err);
void lmdb_env_close(struct lmdb_env *e);

/* What LMDB's result code means here. Returns the DPC_E_ code. */
int lmdb_failed(const char *path, int rc, dpc_error *err);

/* A transaction in the only table. `room` is what is going to be put, roughly; it
 * counts for a writer. */
struct lmdb_work {
	struct lmdb_env *env;
	MDB_txn *txn;
	MDB_dbi table;
	bool writes;
	bool sound; /* each page has been looked at */
};
int lmdb_read(struct lmdb_work *w, struct lmdb_env *e, dpc_error *err);
int lmdb_write(struct lmdb_work *w, struct lmdb_env *e, size_t room, dpc_error *err);

/* Commits when `result` is DPC_OK or DPC_MISS and it was a writer's, else gives it
 * up. Returns what came of it. */
int lmdb_end(struct lmdb_work *w, int result, dpc_error *err);

/* Of the file as a whole. */
MDB_env *lmdb_env_of(struct lmdb_env *e);
const char *lmdb_env_path(const struct lmdb_env *e);

/* Keep out all who would open the file, as long as it is being replaced; returns a
 * descriptor for lmdb_let_in. DPC_E_BUSY when it is in use for too long. */
int lmdb_keep_out(const struct home *h, dpc_error *err);
void lmdb_let_in(int gate);

#endif
