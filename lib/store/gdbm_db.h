/* gdbm_db: one GDBM file, opened by its descriptor, with a sum over each record: GDBM
 * has none, and what is read from a damaged file must be told from what was put.
 *
 * No mapping of the file: on a full disk, who writes into a hole of one would be
 * killed, and so would who reads one that was cut short. No fatal function: GDBM ends
 * the process after calling it, and without one returns an error. No lock of GDBM's:
 * who may read and write when is gdbm_file.h's. */
#ifndef DPC_GDBM_DB_H
#define DPC_GDBM_DB_H

#include "record.h"

#include <gdbm.h>

struct gdbm_db {
	GDBM_FILE file;   /* NULL: closed */
	const char *path; /* for messages; borrowed */
};

/* Takes `fd`, and closes it also where it fails. Of an empty file a writer makes an
 * empty database. DPC_E_CORRUPT, DPC_E_VERSION, DPC_E_IO. */
int gdbm_db_open(struct gdbm_db *db, int fd, const char *path, bool writes, dpc_error *err);

/* What was written is on the disk where this returns DPC_OK. Closed is closed. */
int gdbm_db_close(struct gdbm_db *db, dpc_error *err);

/* Of a record, without its sum; memory is the caller's to free. */
struct gdbm_value {
	struct slice bytes;
	void *memory;
};

/* DPC_MISS; DPC_E_CORRUPT. */
int gdbm_db_find(struct gdbm_value *out, const struct gdbm_db *db, const struct record_key *key,
                 dpc_error *err);

/* `head`, `tail` and their sum, as gdbm_db_store takes them: appended to `out`. */
void gdbm_db_seal(struct buf *out, const struct record_key *key, const struct buf *head, struct slice tail);
int gdbm_db_store(const struct gdbm_db *db, const struct record_key *key, struct slice sealed, dpc_error *err);
/* DPC_MISS where there is none. */
int gdbm_db_delete(const struct gdbm_db *db, const struct record_key *key, dpc_error *err);

/* Every record, in no order, sealed as it lies there, its sum already checked. The
 * visitor must not change the file; other than DPC_OK ends the walk and is its result.
 * DPC_E_CORRUPT. */
typedef int gdbm_visit_fn(void *context, const struct record_key *key, struct slice sealed, dpc_error *err);
int gdbm_db_each(const struct gdbm_db *db, gdbm_visit_fn *visit, void *context, dpc_error *err);

/* Behind the sum. */
struct slice gdbm_db_unseal(struct slice sealed);

/* What GDBM holds of free space. DPC_E_CORRUPT. */
int gdbm_db_check_free(const struct gdbm_db *db, dpc_error *err);

/* DPC_E_CORRUPT, and says so. */
int gdbm_db_damaged(const struct gdbm_db *db, dpc_error *err);

#endif
