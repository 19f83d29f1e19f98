/* The cache directory: where it is, whose entries it holds, whether it may be
 * trusted, and the one lock under which anything shared in it is changed.
 *
 *   home/
 *     CACHEDIR.TAG   tells backup programs to pass by
 *     state          secret, invalidation stamps, and whose home it is (state.h)
 *     turn           tells those who keep asking that the state is another (state.h)
 *     cache.db       the truth: entries, in SQLite; or
 *     cache.mdb      the same, in LMDB; or
 *     cache.gdbm     the same, in GDBM
 *     present        which keys are certainly not in there (present.h)
 *     data/xx/       capsules too large for the database
 *     shelf/xx/      hot capsules as plain files (shelf.h)
 *     locks/         one file per run at work (lock.h)
 *     digests        what files contained when last read (digests.h)
 *     events         hits and misses not yet counted (events.h)
 *     machine        in front of a server: whose leases are ours (lease.h)
 *     write.lock     held while the truth, data, shelf or state change
 *
 * With a network store the truth is elsewhere, and the home has what is hot and the
 * locks of this machine.
 *
 * A directory that others could write to, that belongs to somebody else or
 * that is a symbolic link is refused: what is found in it would be executed
 * as the user's own results. */
#ifndef DPC_HOME_H
#define DPC_HOME_H

#include "net.h"
#include "state.h"

#include <limits.h>
#include <stdbool.h>

struct home {
	int fd; /* the directory; -1 when closed */
	enum engine engine;
	enum engine near, far; /* of a tier: the two; else both are the engine */
	struct net net;   /* of a network store: what its URL says … */
	uint64_t place;   /* … and which it is; 0: a local one */
	struct mem *mem;  /* of mem:, in the library: its entries (store/mem.h); else NULL */
	struct state state;
	char notice[256]; /* something was mended while opening; else "" */
	char path[PATH_MAX];
};

/* Fill in engine and path for a store URL (NULL: DPCACHE_STORE, else the
 * default store), which is borrowed; nothing is open yet. `account_home` answers where HOME is unset;
 * it may be NULL, or return NULL. DPC_E_USAGE for a URL that names no engine. */
int home_locate(struct home *h, const char *url, const char *(*account_home)(void), dpc_error *err);

/* Open the cache that was located, changing nothing. DPC_E_NOTFOUND when there is
 * none; DPC_E_HOME when it must not be used, as that of another engine. */
int home_open(struct home *h, dpc_error *err);

/* The same, creating what is missing. DPC_MISS, with a word about it, where
 * nothing is ever kept. */
int home_create(struct home *h, dpc_error *err);

void home_close(struct home *h);

/* Is it on a file system where flock can be relied on? To be asked before the
 * first lock, which may hang on others; home_create has asked. DPC_E_HOME. */
int home_check_locks(const struct home *h, dpc_error *err);

/* The write lock. home_lock waits at most `timeout` ns and returns a
 * descriptor for home_unlock, or DPC_E_BUSY / DPC_E_IO. */
int home_lock(const struct home *h, int64_t timeout, dpc_error *err);
void home_unlock(int lock);

/* The timeout of those who must have it, in ns: a writer needs a millisecond, but
 * a thousand may wait before us. */
#define HOME_PATIENCE (INT64_C(10) * 1000000000)

/* mkdir with mode 0700 below the home; one that exists is fine. 0 or -1. */
int home_mkdir(const struct home *h, const char *name);

/* Open a file for writing below the home, creating its one or two parent
 * directories when they are missing. A descriptor, or -1 with errno. */
int home_open_file(const struct home *h, const char *name, int flags);

#endif
