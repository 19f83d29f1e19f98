/* The shelf: hot capsules as plain files, what a hit is answered from without
 * a database. Bounded, checksummed, disposable at any time, never the truth.
 *
 *   shelf/xx/<hash of the question>   variants, newest first:
 *     u32 magic, u32 size of body, u64 XXH3 of body, body
 *     body: u32 count, that many stat tuples (of the capsule's observations),
 *           field name of a file below data/ (empty: frames follow inline),
 *           stat tuple of that file,
 *           the capsule: whole, or only head and meta
 *
 * A question has several variants when its inputs have several states.
 *
 * Protocol. Writers hold the write lock (home.h) and have just seen, under
 * it, that the store holds what they shelve; so nothing is shelved that a
 * concurrent removal has taken from the store. Removal clears store and shelf
 * under the same lock. Readers take no lock: files are only ever replaced. */
#ifndef DPC_SHELF_H
#define DPC_SHELF_H

#include "capsule.h"
#include "home.h"

/* One variant; everything borrowed from the loaded shelf file. */
struct shelf_variant {
	struct slice tuples; /* count * TUPLE_SIZE bytes */
	uint32_t tuple_count;
	struct slice file; /* name without NUL; empty: inline */
	struct tuple file_tuple;
	struct capsule capsule;
	struct capsule_meta meta;
	struct slice capsule_bytes; /* head, meta, and inline the frames */
};

/* A loaded shelf file: zero-initialise, release with shelf_release. */
struct shelf {
	struct buf bytes;
	struct cursor next;
	bool damaged; /* something in it failed its checksum */
};

/* DPC_OK or DPC_MISS (also for whatever cannot be read: it is a cache). */
int shelf_load(struct shelf *s, const struct home *h, const struct digest *question);
/* The same by the file's name below the home. */
int shelf_load_file(struct shelf *s, const struct home *h, const char *path);
void shelf_release(struct shelf *s);

/* The next intact variant. */
bool shelf_next(struct shelf *s, struct shelf_variant *v);

/* Lay down a variant in front of the others of its question. `capsule` is the
 * whole capsule, or head and meta when `file` names where it is. Too large a
 * one is silently not shelved. Only under the write lock. */
int shelf_put(const struct home *h, const struct digest *question, const struct observations *o,
              struct slice capsule, const char *file, const struct tuple *file_tuple);

/* Take all of a question's variants away. Only under the write lock. */
void shelf_remove(const struct home *h, const struct digest *question);

/* Take everything away. Only under the write lock. */
void shelf_clear(const struct home *h);

#endif
