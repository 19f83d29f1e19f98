/* The truth: entries by key, behind one table of functions per engine.
 *
 * Callers use the store_ wrappers, never the slots. A store is opened for one
 * short piece of work and closed again: never across a fork, nor while the
 * user's command runs. Only the library's handles keep one open, by the rules of
 * held.h. Everything that changes it is called under the write lock (home.h);
 * reading needs none. */
#ifndef DPC_STORE_H
#define DPC_STORE_H

#include "capsule.h"
#include "events.h"
#include "home.h"

struct store;

/* What is known of an entry without opening its capsule. */
struct entry_info {
	struct digest key, question; /* question: hash, names the shelf file */
	int64_t created;  /* wall clock, ns */
	int64_t ttl, grace; /* the writer's, ns; DPC_FOREVER */
	uint64_t generation;
	int64_t cost;     /* ns */
	uint64_t output_size, stored_size; /* bytes */
	int32_t status;   /* raw wait status */
	uint32_t flags;   /* enum capsule_flags */
	uint64_t hits;
	int64_t used;     /* wall clock of the last hit counted, ns; 0: none */
	struct slice label; /* borrowed for the call */
	const char *file; /* "data/…", or NULL: inline; borrowed for the call */
	const struct grant *grant; /* put only: done as long as this is held, and DPC_MISS else; NULL: in any case */
};

/* The right to run a key alone among all machines that share a network store, for as long
 * as it is renewed. The fencing number grows from one grant of a key to the next; no put
 * under an earlier one is accepted. */
enum { GRANT_TOKEN = 33 };
struct grant {
	struct digest key;
	char token[GRANT_TOKEN]; /* whose: of a home on a machine, in hexadecimal (lease.c) */
	uint64_t fence;
	int64_t length;          /* ns, from when it was given or renewed */
};

enum counter {
	COUNTER_HITS,
	COUNTER_FOLLOWS,
	COUNTER_MISSES,
	COUNTER_FAILURES,
	COUNTER_UNCACHED,
	COUNTER_SAVED_NS,
	COUNTER_STALE,
	COUNTER_REFUSED,
	COUNTER_COUNT
};

struct counters {
	int64_t v[COUNTER_COUNT];
};

/* What an engine is opened for. */
enum store_access {
	STORE_SHARED, /* beside others; DPC_E_NOTFOUND where there is no store */
	STORE_LOOK,   /* under the write lock, for reading, without leaving a trace, nor being in
	               * the way of others who read; the same */
	STORE_ALONE,  /* for one short transaction under the write lock: others may be
	               * kept waiting as long as it is open */
	STORE_CREATE, /* the same, in an empty store made where there is none */
	STORE_KEPT    /* opened under the write lock, to stay open for many calls (ops->keeps): to
	               * read, and to write under the write lock; else as STORE_SHARED */
};

/* Returns DPC_OK to go on; anything else ends the walk and is its result. */
typedef int store_visit_fn(void *context, const struct entry_info *info);

struct store_ops {
	const char *name;
	/* Version of the library in use, not of the one compiled against. */
	const char *(*version)(void);
	/* *self is the engine's own. DPC_E_NOTFOUND, DPC_E_CORRUPT, DPC_E_VERSION,
	 * DPC_E_IO. */
	int (*open)(void **self, const struct home *h, enum store_access access, dpc_error *err);
	void (*close)(void *self);
	/* The capsule's bytes appended to `capsule` when it is inline, else the
	 * name of its file in `file` (with NUL). DPC_MISS. */
	int (*get)(void *self, const struct digest *key, struct buf *capsule, struct buf *file,
	           dpc_error *err);
	/* Insert or replace. `capsule` is empty when info->file is set. The file
	 * of the entry replaced is named in `old_file` (with NUL; empty: none) and
	 * is the caller's to unlink. */
	int (*put)(void *self, const struct entry_info *info, struct slice capsule, struct buf *old_file,
	           dpc_error *err);
	/* DPC_MISS when there was none; old_file as for put. */
	int (*remove)(void *self, const struct digest *key, struct buf *old_file, dpc_error *err);
	/* Between batch(true) and batch(false) puts and removals are one piece of
	 * work: much cheaper together, and on disk only with the second. */
	int (*batch)(void *self, bool begin, dpc_error *err);
	/* Of the entry, as far as it is there: created, cost and question. DPC_MISS. */
	int (*look)(void *self, const struct digest *key, struct entry_info *info, dpc_error *err);
	/* Visit all results, in order of last use or creation, oldest first; then all
	 * manifests. The visitor must not change the store. DPC_E_USAGE, with nobody visited,
	 * where there is no telling what is there: whoever has its key has it all the same. */
	int (*each)(void *self, store_visit_fn *visit, void *context, dpc_error *err);
	/* Add to the totals, and hits to their entries where those can be visited. */
	int (*count)(void *self, const struct counters *add, const struct event_record *hits,
	             size_t hit_count, dpc_error *err);
	int (*totals)(void *self, struct counters *out, dpc_error *err);
	int (*reset_totals)(void *self, dpc_error *err);
	/* Engine-level integrity; DPC_E_CORRUPT with what is wrong. */
	int (*check)(void *self, dpc_error *err);
	/* Give freed space back. */
	int (*compact)(void *self, dpc_error *err);
	/* Move what lies there aside, under a name that is told in `moved`. Works
	 * on the files: no store is open. Under the write lock. */
	int (*quarantine)(const struct home *h, char *moved, size_t size, dpc_error *err);
	const struct remote_ops *remote; /* NULL: the store is this machine's alone */
	/* Knows STORE_KEPT: between calls such a store is in nobody's way, and each call sees what
	 * others have committed before it. Closing it in a child leaves what is the parent's alone. */
	bool keeps;
	/* Of a kept store, without looking into it: the number of its last commit, by whomever, and of
	 * the one that was the last when it was last read; 0: unknown. NULL: always. */
	void (*commits)(uint64_t *last, uint64_t *read, void *self);
	/* Under the write lock: is a kept store's file still the one by that name, and whole as far
	 * as can be told at a glance? It is else opened anew before it is written to. NULL: it is. */
	bool (*stands)(void *self);
	/* Under the write lock, before a kept store that was written to is closed: do what was put
	 * off. NULL: nothing ever is. */
	void (*settle)(void *self);
};

/* What a store that several machines share has besides. All times are the server's. */
struct remote_ops {
	/* The secret that all who share the store have (state.h), without asking the server.
	 * DPC_E_USAGE, DPC_E_DENIED, DPC_E_NOTFOUND: where the key file is not as it must be. */
	int (*secret)(uint8_t out[16], const struct home *h, dpc_error *err);
	/* The generation in force, which is also the floor; `raise`: above all that has begun. */
	int (*floor)(uint64_t *out, void *self, bool raise, dpc_error *err);
	/* Try to get `g`, whose key, token and length are set; from one with the same token it is
	 * taken over. DPC_MISS: somebody else has it, for *left ns if he does not renew it. */
	int (*acquire)(struct grant *g, int64_t *left, void *self, dpc_error *err);
	/* Renew it, without waiting for the answer where that can be looked at the next time, and
	 * no longer than the store's time-out in any case. DPC_MISS: it is lost. */
	int (*renew)(const struct grant *g, void *self, dpc_error *err);
	/* Give it back, if it is still held, and wake those who await that; waiting no more
	 * than renew does. */
	int (*release)(const struct grant *g, void *self, dpc_error *err);
	/* From now on hear of a key's release … */
	int (*listen)(void **ear, const struct digest *key, const struct home *h, dpc_error *err);
	/* … and wait for one, until `deadline` (clock_mono_ns). DPC_OK, DPC_MISS: none came. */
	int (*hear)(void *ear, int64_t deadline, dpc_error *err);
	void (*close_ear)(void *ear);
};

extern const struct store_ops store_sqlite, store_lmdb, store_redis, store_mem, store_tier;

struct store {
	const struct store_ops *ops;
	void *self;
	const struct home *home; /* borrowed */
	int lock;                /* the write lock, where store_look_only took it; or -1 */
};

/* What is built in, or can be loaded. DPC_E_USAGE for the others, and for the one that
 * keeps nothing; else what plugin_load returns. */
int store_find_engine(const struct store_ops **out, enum engine engine, dpc_error *err);

/* The same; NULL for the others. */
const struct store_ops *store_engine(enum engine engine);

/* home_locate, for who is going to need the engine too: what store_find_engine returns
 * where it is not to be had. */
int store_locate(struct home *h, const char *url, dpc_error *err);

/* For a home that was opened or created, before it is asked: takes over what a network
 * store's server says holds for all, or what held when it was last asked. Nothing to do
 * elsewhere. */
int store_join(struct home *h, dpc_error *err);

/* Nobody gets again what began before now, on any machine. */
int store_invalidate(struct home *h, dpc_error *err);

/* With `create`, under the write lock, to put something in: an empty store is
 * made where there is none; else DPC_E_NOTFOUND. */
int store_open(struct store *s, const struct home *h, bool create, dpc_error *err);
void store_close(struct store *s);

/* Under the write lock: the store that is there, to stay open (STORE_KEPT). DPC_E_NOTFOUND. */
int store_open_kept(struct store *s, const struct home *h, dpc_error *err);
/* Whoever keeps one is to open it anew: to be called, under the write lock, before another
 * file takes the place of the store's. */
int store_disown(const struct home *h, dpc_error *err);

/* To read, without a trace: not even the files are made that a reader else shares
 * with others. Holds the write lock until store_close. DPC_E_NOTFOUND; DPC_E_BUSY. */
int store_look_only(struct store *s, const struct home *h, dpc_error *err);

/* Without opening it: false when the key is certainly not there (present.h). */
bool store_maybe_has(const struct home *h, const struct digest *key);

/* Make the filter behind store_maybe_has anew from what is there, or do without
 * where it cannot be written. Under the write lock. */
int store_refilter(struct store *s, dpc_error *err);
int store_get(struct store *s, const struct digest *key, struct buf *capsule, struct buf *file,
              dpc_error *err);
int store_put(struct store *s, const struct entry_info *info, struct slice capsule,
              struct buf *old_file, dpc_error *err);
int store_remove(struct store *s, const struct digest *key, struct buf *old_file, dpc_error *err);
int store_batch(struct store *s, bool begin, dpc_error *err);
int store_look(struct store *s, const struct digest *key, struct entry_info *info, dpc_error *err);
/* Is exactly this entry there? DPC_OK, DPC_MISS. */
int store_has(struct store *s, const struct digest *key, int64_t created, dpc_error *err);
int store_each(struct store *s, store_visit_fn *visit, void *context, dpc_error *err);
int store_count(struct store *s, const struct counters *add, const struct event_record *hits,
                size_t hit_count, dpc_error *err);
int store_totals(struct store *s, struct counters *out, dpc_error *err);
int store_reset_totals(struct store *s, dpc_error *err);
int store_check(struct store *s, dpc_error *err);
int store_compact(struct store *s, dpc_error *err);

#endif
