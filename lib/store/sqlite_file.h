/* sqlite_file: the database of the SQLite engine as a file: made, opened, shared
 * with others, checked, and moved aside; and its transactions. What is in it is
 * sqlite.c's.
 *
 * Discipline, for SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when two
 * connections write and checkpoint at the same instant: every write and every
 * checkpoint happens under the write lock; automatic checkpoints and the one on
 * close are off; nothing is memory-mapped.
 *
 * The log is kept short: the first connection after the last one closed reads
 * it all, and most of our connections are that. One that stays open (STORE_KEPT) may
 * let it grow as far as SQLite itself would, and shortens it before it goes.
 *
 * A kept connection is not used in a child, but closed there: that unlocks and writes
 * nothing, for there is no checkpoint on close and no transaction is open; and SQLite
 * would else take the parent's locks on the file, which are still noted in its memory,
 * for the child's own.
 *
 * A handle is for one thread at a time. All that returns int returns DPC_OK or a
 * DPC_E_ code with *err filled in (err may be NULL). */
#ifndef DPC_SQLITE_FILE_H
#define DPC_SQLITE_FILE_H

#include "store.h"

#include <limits.h>
#include <sqlite3.h>

enum { SQLITE_PREPARED = 12 };

struct sqlite_store {
	sqlite3 *db;
	char path[PATH_MAX];
	int log_pages; /* as of the last commit */
	bool exclusive; /* alone with the file, as long as nobody reads it */
	bool kept;     /* STORE_KEPT … */
	ino_t inode;   /* … of this file */
	bool in_batch; /* one transaction around several calls */
	struct {
		const char *sql; /* a literal, known by its address; NULL: free */
		sqlite3_stmt *st;
	} prepared[SQLITE_PREPARED];
};

/* --- of store_ops; see store.h --- */

int sqlite_open(void **self, const struct home *h, enum store_access access, dpc_error *err);
void sqlite_close(void *self);
int sqlite_check(void *self, dpc_error *err);
int sqlite_compact(void *self, dpc_error *err);
int sqlite_quarantine(const struct home *h, char *moved, size_t size, dpc_error *err);
bool sqlite_stands(void *self);
void sqlite_settle(void *self);

/* --- statements --- */

/* What SQLite's result code rc means here. Returns the DPC_E_ code. */
int sqlite_failed(struct sqlite_store *s, int rc, dpc_error *err);

/* Statements without parameters or rows. */
int sqlite_exec(struct sqlite_store *s, const char *sql, dpc_error *err);

/* `sql` is a literal. NULL when it fails; sqlite_prepare_failure then has the code. To be
 * ended with sqlite_done, which resets it: it stays prepared for the next time. */
sqlite3_stmt *sqlite_prepare(struct sqlite_store *s, const char *sql, dpc_error *err);
int sqlite_prepare_failure(const dpc_error *err);
void sqlite_done(struct sqlite_store *s, sqlite3_stmt *st);

/* Run a statement that yields no rows, and end it. */
int sqlite_finish(struct sqlite_store *s, sqlite3_stmt *st, dpc_error *err);

/* --- transactions, under the write lock --- */

/* Within a batch both do nothing: sqlite.c's `batch` stands around them. */
int sqlite_begin(struct sqlite_store *s, dpc_error *err);

/* Commits when `result` is DPC_OK, else rolls back. Returns what came of it. */
int sqlite_end(struct sqlite_store *s, int result, dpc_error *err);

#endif
