/* lmdb_pages: is what LMDB is about to walk through what LMDB wrote? It follows any
 * number it finds in its file, so that a damaged one would end the process, which
 * is somebody's build. Here every number is held against its bounds first.
 *
 * Knows LMDB's format of data, version 1: that of all its releases so far. */
#ifndef DPC_LMDB_PAGES_H
#define DPC_LMDB_PAGES_H

#include "lmdb_env.h"

/* Before it is opened: is this a file of LMDB's? DPC_E_NOTFOUND, DPC_E_CORRUPT,
 * DPC_E_VERSION. */
int lmdb_pages_file(const struct home *h, const char *name, dpc_error *err);

/* The pages on the way to `key` and, for a writer, those beside it. NULL: each page there is.
 * DPC_E_CORRUPT. */
int lmdb_pages_sound(const struct lmdb_work *w, const MDB_val *key, dpc_error *err);

/* What is under `key`, borrowed for the transaction, after the pages on the way to it have been
 * looked at. Where a reader is kept it is the looking that finds it, in LMDB's steps and in
 * nothing but what they touch: among a million entries each page that is walked through twice,
 * by two mappings, is dear. DPC_MISS; DPC_E_CORRUPT. */
int lmdb_pages_find(MDB_val *value, const struct lmdb_work *w, MDB_val *key, dpc_error *err);

/* Those that say what is free, as a writer needs them. */
int lmdb_pages_free(const struct lmdb_work *w, dpc_error *err);

/* The number of the last transaction of which the mapped file tells; 0: it was never mapped.
 * A writer tells of it there before he is done, so that who finds the number of what he has
 * read himself has read the last. */
uint64_t lmdb_pages_last(const struct lmdb_reader *r);

#endif
