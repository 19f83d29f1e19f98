/* gdbm_file: the database of the GDBM engine as files.
 *
 * GDBM writes in place, piece by piece: who reads meanwhile, or is there when a writer
 * was killed or the power failed, finds half of it. Its own remedy
 * (gdbm_failure_atomic) wants a file system that clones files, which ext4 does not,
 * and its locks make readers and writers wait for each other. So the file that has
 * the name, cache.gdbm, is never written. Of two files the other one is:
 *
 *     cache.gdbm        the truth, of generation N
 *     cache.gdbm.spare  what was the truth before, of generation N-1
 *     cache.gdbm.log    the changes between the two (gdbm_log.h)
 *
 * To write is, under the write lock:
 *   1. take the log: once it is empty the spare counts as broken;
 *   2. make the logged changes to the spare, and then the new ones;
 *   3. flush it, and let the two change names in one step;
 *   4. write down the new changes: now the file that was the truth is the spare.
 * A writer that ends anywhere in between leaves the truth as it was, or as it shall
 * be. Without a log of this generation the spare is made anew, as a copy. A log of
 * another boot counts as none: what had reached the disk when the power failed is
 * not known.
 *
 * Who reads holds a shared flock on the file that has the name, for as long as the
 * store is open; each piece of work begins by looking whether that file has the name
 * still. Who finds the spare locked by a reader who has not looked for so long leaves
 * it to him and makes a copy. So nobody waits for anybody. */
#ifndef DPC_GDBM_FILE_H
#define DPC_GDBM_FILE_H

#include "gdbm_log.h"

struct gdbm_store {
	const struct home *home;
	struct gdbm_db read, write; /* the truth; the spare, once something is changed */
	struct gdbm_log log;
	uint64_t generation; /* that is being written */
	bool in_batch;
	bool broken; /* a change has failed: the others are not kept either */
	char path[PATH_MAX];
};

/* What is to be read: in a piece of work that has changed something, that. Stays good
 * until the next piece of work. */
int gdbm_file_look(const struct gdbm_db **db, struct gdbm_store *s, dpc_error *err);

/* Of the piece of work. `head` and behind it `tail`; head NULL deletes. DPC_MISS when
 * there was nothing to delete. */
int gdbm_file_change(struct gdbm_store *s, const struct record_key *key, const struct buf *head, struct slice tail,
                     dpc_error *err);

/* The end of a piece of work: what was changed becomes the truth, where `result` is
 * DPC_OK or DPC_MISS, or else is given up. Returns what came of it. */
int gdbm_file_end(struct gdbm_store *s, int result, dpc_error *err);

/* --- of store_ops; see store.h --- */

int gdbm_file_open(void **self, const struct home *h, enum store_access access, dpc_error *err);
void gdbm_file_close(void *self);
int gdbm_file_check(void *self, dpc_error *err);
int gdbm_file_compact(void *self, dpc_error *err);
int gdbm_file_quarantine(const struct home *h, char *moved, size_t size, dpc_error *err);

#endif
