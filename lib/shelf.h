/* The shelf: hot capsules as plain files, what a hit is answered from without
 * a database. Bounded, checksummed, disposable at any time, never the truth.
 *
 *   shelf/xx/<hash of the question>   variants, newest first; each:
 *     the capsule: whole, or, behind the mark SHELF_APART, only head and meta
 *     field name of a file below data/ where the frames are (empty: they are here),
 *     stat tuple of that file,
 *     u32 count, that many stat tuples (of the capsule's observations, first the
 *     asked for, then the traced),
 *     u64 XXH3 of all that, with a `voided` word of 0
 *
 * It begins like the file in which a run was recorded, so that this very file
 * can become the question's.
 *
 * A question has several variants when its inputs have several states.
 *
 * In front of a network store what was laid down longer ago than the home's l1_ttl counts
 * as not there: others may have replaced or removed it since.
 *
 * Protocol. Writers hold the write lock (home.h) and have just seen, under
 * it, that the store holds what they shelve; so nothing is shelved that a
 * concurrent removal has taken from the store. Removal clears store and shelf
 * under the same lock. Readers take no lock: files are only ever replaced. */
#ifndef DPC_SHELF_H
#define DPC_SHELF_H

#include "capsule.h"
#include "home.h"

enum {
	SHELF_NAME = 9 + DIGEST_HEX, /* "shelf/xx/…" with NUL */
	SHELF_MARK = 8,
	SHELF_LIMIT = 2 << 20 /* bytes of one question's file */
};
extern const char SHELF_APART[SHELF_MARK];

/* The question's file, below the home. */
void shelf_name(char out[SHELF_NAME], const struct digest *question);

/* Be the one who sees to the refresh of what lies there: a lock on the very file,
 * which costs less than making one. A descriptor to hold it by; -1 when somebody
 * else is (EWOULDBLOCK), or there is no such file. */
int shelf_claim(const struct home *h, const struct digest *question);

/* One variant; everything borrowed from the loaded shelf file. */
struct shelf_variant {
	struct slice tuples; /* count * TUPLE_SIZE bytes */
	uint32_t tuple_count;
	struct slice file; /* name without NUL; empty: inline */
	struct tuple file_tuple;
	struct capsule capsule;
	struct capsule_meta meta;
	struct slice capsule_bytes; /* head, meta, and inline what is behind them */
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

/* What is to be laid down; everything borrowed. */
struct shelf_item {
	const struct observations *observed, *traced; /* traced may be NULL */
	struct slice capsule; /* whole, or head and meta when `file` is set */
	const char *file;     /* below data/, or NULL */
	struct tuple file_tuple;
	const char *run_name; /* NULL, or a file that may be moved to the shelf: … */
	int run_fd;           /* … it holds `capsule`, and nothing else, from its start */
};

/* Lay down a variant in front of the others of its question, in place of one of
 * the same key. Too large a one is silently not shelved. Only under the write
 * lock. */
int shelf_put(const struct home *h, const struct digest *question, const struct shelf_item *item);

/* Take all of a question's variants away. Only under the write lock. */
void shelf_remove(const struct home *h, const struct digest *question);

/* Take everything away. Only under the write lock. */
void shelf_clear(const struct home *h);

#endif
