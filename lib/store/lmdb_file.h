/* lmdb_file: the database of the LMDB engine as a file: made, opened, checked,
 * compacted, and moved aside. What is in it is lmdb.c's. */
#ifndef DPC_LMDB_FILE_H
#define DPC_LMDB_FILE_H

#include "lmdb_env.h"

struct lmdb_store {
	struct lmdb_env *env; /* NULL: compacting it has failed */
	const struct home *home;
	struct lmdb_work batch; /* begun by the first that has something to write */
	bool in_batch;          /* one transaction around several calls */
	bool kept;              /* STORE_KEPT */
	struct lmdb_reader reader; /* then */
};

/* --- of store_ops; see store.h --- */

int lmdb_open(void **self, const struct home *h, enum store_access access, dpc_error *err);
void lmdb_close(void *self);
void lmdb_commits(uint64_t *last, uint64_t *read, void *self);
bool lmdb_stands(void *self);
int lmdb_check(void *self, dpc_error *err);
int lmdb_compact(void *self, dpc_error *err);
int lmdb_quarantine(const struct home *h, char *moved, size_t size, dpc_error *err);

#endif
