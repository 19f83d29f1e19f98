/* The per-key lock: one file per run at work, locks/<key>.
 *
 * The file is lock, progress and result in one inode. The leader holds it in
 * LOCK_EX and builds the run's capsule in it (capsule.h); followers wait in
 * LOCK_SH, so that all wake at once, and read what the very inode holds, even
 * when the result was not worth storing.
 *
 * Rules:
 * 1. Only a holder of LOCK_EX on the inode that the path names takes it away.
 * 2. Whoever gets LOCK_EX compares descriptor and path, and starts over when
 *    they differ: the file was retired between open and lock.
 * 3. A leader that ends well sets the capsule's state, unlinks the file or
 *    moves it to the shelf, unlocks. A follower that wakes to CAPSULE_BUILDING,
 *    or to a file that the path still names, has seen the leader die.
 * 4. A file is led in once: one that is not empty is retired, not reused.
 * 5. Descriptors are close-on-exec: a command that inherited one would keep
 *    the key locked after us.
 * flock(2), never fcntl(2): those locks vanish when any descriptor of the file
 * is closed. */
#ifndef DPC_LOCK_H
#define DPC_LOCK_H

#include "hash.h"
#include "home.h"

enum { LOCK_NAME = 8 + DIGEST_HEX };

/* "locks/<key>", below the home. */
void lock_name(char out[LOCK_NAME], const struct digest *key);

/* Open the key's file, creating it. A descriptor, or -1 with errno. */
int lock_open(const struct home *h, const struct digest *key);

/* Does the path still name what `fd` is? */
bool lock_is_current(const struct home *h, const struct digest *key, int fd);

/* Take LOCK_EX without waiting. 1 taken, 0 somebody has it, -1 with errno. */
int lock_try_exclusive(int fd);

/* Wait for LOCK_SH, or LOCK_EX, up to `deadline` (clock_mono_ns;
 * DPC_FOREVER). 1 taken, 0 out of time, -1 with errno. */
int lock_wait_shared(int fd, int64_t deadline);
int lock_wait_exclusive(int fd, int64_t deadline);

/* Take the file of a key held in LOCK_EX away, where it is still there: those who
 * have it open wait on, others begin anew. */
void lock_unlink(const struct home *h, const struct digest *key, int fd);

/* The same, and unlock: the end of a key held in LOCK_EX. */
void lock_release(const struct home *h, const struct digest *key, int fd);

/* The same, and close. */
void lock_retire(const struct home *h, const struct digest *key, int fd);

#endif
