/* gdbm_log: what the last commit changed, for the file that does not have it yet; see
 * gdbm_file.h. */
#ifndef DPC_GDBM_LOG_H
#define DPC_GDBM_LOG_H

#include "gdbm_db.h"

struct gdbm_log {
	struct buf changes;
	bool too_long; /* copying the file is less work */
};

void gdbm_log_release(struct gdbm_log *l);

/* `sealed` as gdbm_db_store had it. */
void gdbm_log_store(struct gdbm_log *l, const struct record_key *key, struct slice sealed);
void gdbm_log_delete(struct gdbm_log *l, const struct record_key *key);

/* Into the home: what leads to `generation`. Where it cannot be written there is none. */
void gdbm_log_write(const struct gdbm_log *l, const struct home *h, uint64_t generation);

/* The changes that lead to `generation`, when they are there and of this boot; from
 * now on the home has none. */
bool gdbm_log_take(struct buf *changes, const struct home *h, uint64_t generation);

int gdbm_log_apply(const struct buf *changes, const struct gdbm_db *db, dpc_error *err);

#endif
