/* The wire between those who watch a traced run and trace.c, which reads what they
 * saw: one log in shared memory that every process of the run appends to.
 *
 * The log is a file of WIRE_SIZE bytes, sparse, that the variable WIRE_VARIABLE
 * names. Whoever writes to it maps it and closes the descriptor at once: one kept
 * open would be reused behind the program's own closefrom(2), and the log go into
 * the user's file.
 *
 *   struct wire_head     below
 *   records              one behind the other, WIRE_ALIGN bytes aligned
 *
 * To append: add the record's size to head.used (that is the reservation; where it
 * now passes WIRE_RECORDS, nothing may be written, and head.lost is counted up),
 * fill in everything but the size, then store the size with release order. A
 * reader that meets a size of 0 before head.used knows of a record that was never
 * finished: its writer was killed, and what it saw is lost.
 *
 * Order: the shim writes a record behind what it tells of, when the outcome is known;
 * the watcher before it, when it can be foreseen. So of two processes that touch one
 * file, the log's order may be wrong; who reads it relies on it only for what one
 * process did, and else on the files' change times.
 *
 * Executing: who executes a program counts up head.execs and writes WIRE_EXEC
 * before the call, and if it fails, counts down and writes WIRE_EXEC_FAILED. What
 * was executed counts up head.hellos and writes WIRE_HELLO before anything else it
 * does. In the end both counts must be equal: else some program ran unwatched, and
 * WIRE_EXEC records without a WIRE_HELLO of the same process tell which.
 *
 * Paths are absolute but not tidied up: "." and ".." and symbolic links stand as
 * the program gave them. They are bytes, end in a NUL and are at most
 * WIRE_PATH_MAX long with it; longer ones cannot be opened either.
 *
 * A writer may leave out a record that it has written before: same kind, detail,
 * error and path; but not what tells of a change, WIRE_MAKE and WIRE_REMOVE, and not
 * what it has written when head.links was another. As long as head.links is 0, it may
 * also leave out what another process has written, if that only looks: head.told has
 * hashes of these, put there once the record is finished. Not so WIRE_HELLO: by that the
 * reader knows the run's processes. */
#ifndef DPC_WIRE_H
#define DPC_WIRE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a traced program finds in its environment, besides the shim in LD_PRELOAD: the
 * log's name. Both are taken out again before it looks. In front of the name may stand
 * WIRE_AS_EXECUTED: the program is what the path leads to that was executed, and not
 * the interpreter of a script that lies there. To ask the kernel which program one is
 * would be a quarter of what a short program costs more. */
#define WIRE_VARIABLE "DPCACHE_TRACE"
#define WIRE_AS_EXECUTED '='

#define WIRE_MAGIC UINT64_C(0x3265636172545044) /* "DPTrace2" */

enum {
	WIRE_TOLD = 4096,
	WIRE_HEAD = 4096 + 8 * WIRE_TOLD,
	WIRE_SIZE = 64 << 20,
	WIRE_RECORDS = WIRE_SIZE - WIRE_HEAD,
	WIRE_ALIGN = 8,
	WIRE_PATH_MAX = 4096,
	WIRE_NAME_MAX = 64, /* the log's, with its NUL */
	WIRE_PROGRAM_MAX = 1024,
	WIRE_TARGETS = 64
};

/* Notes: what makes a result doubtful, not wrong. Bits of head.notes. */
enum wire_note {
	WIRE_SAW_TIME = 1,   /* asked what time it is */
	WIRE_SAW_RANDOM = 2, /* asked for random numbers */
	WIRE_SAW_PID = 4     /* asked for its own process id */
};

struct wire_head {
	uint64_t magic;
	uint32_t strict;          /* every program is to be watched by the kernel as well */
	_Atomic uint32_t notes;
	_Atomic uint64_t used;    /* bytes of records reserved; may pass WIRE_RECORDS */
	_Atomic uint64_t lost;    /* records for which there was no room */
	_Atomic uint64_t execs, hellos;
	int64_t began; /* wall clock, ns: what changed before has an earlier change time; 0: not known */
	/* What programs that did not change since turned out to be: see shim/target.c. */
	_Atomic uint64_t targets[WIRE_TARGETS];
	/* Counted up with each symbolic link that is made, and from the first on with each new
	 * name, as it may be one that was moved: the same path may lead elsewhere since. */
	_Atomic uint32_t links;
	/* NUL-terminated; empty: there is none. Filled in before the run begins. */
	char shim[WIRE_PROGRAM_MAX];      /* the shim for programs of this C library */
	char shim_musl[WIRE_PROGRAM_MAX]; /* the one for musl's */
	/* Starts a program that cannot be preloaded, watched by the kernel:
	 * `watcher LOG PATH ARGV...` executes PATH with that ARGV. */
	char watcher[WIRE_PROGRAM_MAX];
	/* Forgetful, see shim/told.h. */
	_Alignas(64) _Atomic uint64_t told[WIRE_TOLD];
};

_Static_assert(sizeof(struct wire_head) <= WIRE_HEAD, "the head reaches into the records");

enum wire_kind {
	WIRE_HELLO = 1,   /* a program began; path: its executable; detail: enum wire_executable */
	WIRE_EXEC,        /* about to be executed: path; detail: enum wire_exec */
	WIRE_EXEC_FAILED, /* it was not, for `error` */
	WIRE_LIBRARY,     /* a shared object that was loaded */
	WIRE_OPEN,        /* path was opened, or not, for `error`; detail: enum wire_open */
	WIRE_STAT,        /* its metadata were asked for; detail: enum wire_look */
	WIRE_ACCESS,      /* only whether it is there and may be used */
	WIRE_LIST,        /* the names in a directory */
	WIRE_READLINK,    /* a symbolic link's target */
	WIRE_REALPATH,    /* resolved, each part of it */
	WIRE_MAKE,        /* a name: mkdir, symlink, link, rename's target, bind, mknod; detail: enum wire_make */
	WIRE_REMOVE,      /* a name taken away: unlink, rmdir, rename's source; detail: enum wire_remove */
	WIRE_CHANGE,      /* metadata or size set: chmod, chown, utimes, truncate, xattr */
	WIRE_VARIABLE_READ, /* path: the name of a variable that was looked up */
	WIRE_ENVIRONMENT, /* the program has its environment at hand whole; path, detail: as of WIRE_HELLO */
	WIRE_UNCACHEABLE  /* path: why, in words that end "it …": "used the network" */
};

/* How an executable is named. */
enum wire_executable {
	WIRE_EXECUTABLE_ITSELF, /* by the kernel */
	WIRE_EXECUTABLE_GIVEN   /* by the path that was executed: it may lead through links */
};

/* detail of WIRE_EXEC: may what is executed be watched? */
enum wire_exec {
	WIRE_EXEC_SHIM,    /* the shim goes with it */
	WIRE_EXEC_WATCHER, /* the watcher does */
	WIRE_EXEC_BLIND    /* nobody does */
};

/* detail of WIRE_OPEN, as bits. */
enum wire_open {
	WIRE_OPEN_READ = 1,
	WIRE_OPEN_WRITE = 2,
	WIRE_OPEN_EMPTY = 4,   /* O_TRUNC: nothing of an old one is seen */
	WIRE_OPEN_CREATED = 8, /* certainly not there before: O_EXCL, or looked at before the call */
	WIRE_OPEN_DIRECTORY = 16, /* O_DIRECTORY or O_PATH: it is there, no more */
	WIRE_OPEN_NOFOLLOW = 32,
	WIRE_OPEN_EXCLUSIVE = 64 /* O_EXCL with O_CREAT: were it there, the call would fail */
};

/* detail of WIRE_MAKE. */
enum wire_make {
	WIRE_MAKE_NEW,  /* it was not there before */
	WIRE_MAKE_OVER, /* rename: there may have been something of that name */
	WIRE_MAKE_LINK  /* a symbolic link, and new */
};

/* detail of WIRE_REMOVE. */
enum wire_remove {
	WIRE_REMOVE_ALL,  /* nothing is left of it */
	WIRE_REMOVE_MOVED /* rename: what it was is there under another name */
};

/* detail of WIRE_STAT, as bits. */
enum wire_look {
	WIRE_LOOK_NOFOLLOW = 1,
	WIRE_LOOK_TYPE = 2 /* statx, and no times nor size were asked for */
};

struct wire_record {
	_Atomic uint32_t size; /* of all of it; 0: not finished */
	uint16_t kind, error;  /* enum wire_kind; errno, 0: it went well */
	uint32_t detail;
	uint32_t pid;
	char path[];
};

/* Do these change nothing? Then they say nothing when they come again. (But for links of
 * the run's own: by one that came in between, the same name may lead elsewhere.) */
static inline bool wire_only_looks(enum wire_kind kind, uint32_t detail)
{
	const uint32_t changes = WIRE_OPEN_WRITE | WIRE_OPEN_EMPTY | WIRE_OPEN_CREATED | WIRE_OPEN_EXCLUSIVE;
	switch (kind) {
	case WIRE_OPEN:
		return !(detail & changes);
	case WIRE_HELLO:
	case WIRE_LIBRARY:
	case WIRE_STAT:
	case WIRE_ACCESS:
	case WIRE_LIST:
	case WIRE_READLINK:
	case WIRE_REALPATH:
	case WIRE_VARIABLE_READ:
	case WIRE_ENVIRONMENT:
		return true;
	default:
		return false;
	}
}

/* What a record with a path of `length` bytes, without its NUL, takes. */
static inline uint32_t wire_size(size_t length)
{
	size_t size = sizeof(struct wire_record) + length + 1;
	return (uint32_t)((size + WIRE_ALIGN - 1) & ~(size_t)(WIRE_ALIGN - 1));
}

/* Room for as much; NULL where there is none, which is counted. To be filled in, but for
 * the size, and then finished. */
static inline struct wire_record *wire_reserve(struct wire_head *head, uint32_t size)
{
	uint64_t at = atomic_fetch_add_explicit(&head->used, size, memory_order_relaxed);
	if (at + size <= WIRE_RECORDS)
		return (struct wire_record *)((char *)head + WIRE_HEAD + at);
	atomic_fetch_add_explicit(&head->lost, 1, memory_order_relaxed);
	return NULL;
}

static inline void wire_finish(struct wire_record *r, uint32_t size)
{
	atomic_store_explicit(&r->size, size, memory_order_release);
}

/* A name was made: count up head.links, if need be. */
static inline void wire_count_link(struct wire_head *head, enum wire_make made)
{
	if (made == WIRE_MAKE_LINK || atomic_load_explicit(&head->links, memory_order_relaxed))
		atomic_fetch_add_explicit(&head->links, 1, memory_order_relaxed);
}

#endif
