/* Who holds and who waits for a file, as the kernel tells in /proc/locks.
 *
 * That is a picture of a moment that may be over: good for telling people, and
 * for looking again later; never instead of a lock. It shows blocked flock(2)
 * calls by itself. Who waits in another way, by trying again and again, is
 * seen when it has announced itself: by a lock on a byte that nobody else has
 * a use for, at PROCLOCKS_ANNOUNCED plus its process id, for the kernel names
 * no process with such locks.
 *
 * Locks of processes in pid namespaces that we cannot see into are missing. An
 * announcement tells the process id in the announcer's own. */
#ifndef DPC_PROCLOCKS_H
#define DPC_PROCLOCKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCLOCKS_ANNOUNCED (INT64_C(1) << 40)

/* A file as /proc/locks names it; not always as stat does. */
struct proclocks_file {
	dev_t dev;
	ino_t ino;
};

enum proclock_kind { PROCLOCK_FLOCK, PROCLOCK_ANNOUNCEMENT, PROCLOCK_OTHER };

struct proclock {
	bool waiting; /* for this lock, or announced to be */
	enum proclock_kind kind;
	bool write;   /* else read */
	pid_t pid;    /* 0 or less: not told */
	struct proclocks_file file;
};

/* Call `visit` for every lock there is, until it returns false.
 *
 * 0 when all that was visited is of one moment. A list of more than about a
 * page comes in pieces, and then it is 1: where others locked or unlocked in
 * between, entries may be missing or told twice. -1 with errno where the kernel
 * does not tell. */
typedef bool proclocks_fn(void *context, const struct proclock *l);
int proclocks_each(proclocks_fn *visit, void *context);

/* 0, or -1 when it cannot be told. `fd` may be one of O_PATH. */
int proclocks_locate(struct proclocks_file *file, int fd);
bool proclocks_same(const struct proclocks_file *a, const struct proclocks_file *b);

/* How many wait for the flock of the file that `fd` is; -1 when it cannot be
 * told. Where the list comes in pieces, these two read it again until it says
 * the same twice. Each reading takes some tenths of a millisecond and holds up
 * whoever locks or unlocks meanwhile. */
int proclocks_waiters(int fd);

/* The process that took its exclusive flock, which it may have passed on since;
 * 0 when there is none or it cannot be told. */
pid_t proclocks_holder(int fd);

/* Show as waiting until proclocks_withdraw, or until fd's open file is closed. Not for one that is going to
 * block in flock, which would then count twice. Failing is no matter: it is
 * then not seen. fd is open for reading. */
void proclocks_announce(int fd);
void proclocks_withdraw(int fd);

#endif
