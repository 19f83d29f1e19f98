/* Inputs: what a command's result depends on besides its question. Each spec
 * (a declared path, directory or glob; the executable) is observed into one
 * or more observations: kind, path, digest of what was there, and the stat
 * tuple under which it was seen.
 *
 * The digests go into the key and are the same on every machine; the tuples
 * stay on this one, and let a later look be satisfied by stat alone. */
#ifndef DPC_INPUT_H
#define DPC_INPUT_H

#include "digests.h"
#include "err.h"

enum observation_kind {
	OBSERVED_FILE = 'f',   /* digest of the content; symbolic links followed */
	OBSERVED_EXE = 'x',    /* the same, of the command's executable */
	OBSERVED_ABSENT = '-', /* nothing there; digest is zero */
	OBSERVED_DIR = 'd',    /* digest of the sorted names in it */
	OBSERVED_GLOB = 'g',   /* digest of those names in it that match a pattern */
	OBSERVED_LINK = 'l',   /* digest of a symbolic link's target, in a tree */
	OBSERVED_OTHER = 's',  /* device, socket or fifo: its type, never read */
	/* What only a traced run depends on. */
	OBSERVED_NO_NAME = '_',  /* not even a dangling link there; digest is zero */
	OBSERVED_DENIED = 'N',   /* no search permission on the way there; digest is zero */
	OBSERVED_LISTING = 'D',  /* digest of the sorted names in a directory, and of what type each is */
	OBSERVED_STAT = 't',     /* metadata: all that stat(2) tells, but for the device and the time of access */
	OBSERVED_LSTAT = 'T',    /* the same, of a link itself */
	OBSERVED_PLACE = 'p',    /* type, mode and owner alone */
	OBSERVED_LPLACE = 'P',   /* the same, of a link itself */
	OBSERVED_VARIABLE = 'v', /* path is its name; keyed digest of the value, zero: unset */
	OBSERVED_NAMES = 'V'     /* digest of the names of all variables that count; path is empty */
};

struct observation {
	enum observation_kind kind;
	size_t path; /* offset into the list's strings */
	struct digest digest;
	struct tuple tuple;
};

/* A kind in a word or two, for people. */
const char *observation_kind_name(enum observation_kind kind);

/* Zero-initialise; release with observations_release. */
struct observations {
	struct observation *v;
	size_t count, capacity;
	struct buf strings;
	bool failed; /* out of memory */
};

void observations_release(struct observations *o);

/* One more, its digest and tuple zero, borrowed until the next; NULL when out of
 * memory. `path` is copied. */
struct observation *observations_add(struct observations *o, enum observation_kind kind, const char *path);
const char *observation_path(const struct observations *o, size_t i);

/* Observe the executable at `path` (as resolved). */
int observe_exe(struct observations *o, struct digests *d, const char *path, dpc_error *err);

/* Observe one declared input. A path that exists is taken literally; one that
 * does not, and has any of *?[ in it, is a glob; else it is absent.
 * DPC_E_DENIED, DPC_E_IO with the path in the message. */
int observe_input(struct observations *o, struct digests *d, const char *spec, dpc_error *err);

/* The parts of these: into an observation that was added with its kind and path.
 * Each as of now, by `st`, which is that of the path. DPC_E_IO, DPC_E_DENIED. */
int observe_file(struct observation *o, struct digests *d, const char *path, const struct stat *st,
                 dpc_error *err);
int observe_link(struct observation *o, const char *path, const struct stat *st, dpc_error *err);
/* The names in a directory, into `names` too where that is not NULL: the caller's to
 * release, in any case. */
struct name_list;
int observe_listing(struct observation *o, const char *path, struct name_list *names, dpc_error *err);

/* Is it on a file system of the kernel's own, /proc or /sys? The times of such files
 * tell nothing of their content. */
bool input_is_pseudo(const char *path);

/* Digest of a whole file from `fd`'s start, by pread. */
int input_digest_fd(struct digest *out, int fd, uint64_t *size);

/* Observations as key material: count, then kind, path, digest of each. */
void observations_put(struct buf *b, const struct observations *o);

/* One stored observation read back: path is borrowed and ends in a NUL that
 * is not counted. */
struct stored_observation {
	enum observation_kind kind;
	struct slice path;
	struct digest digest;
};
void stored_observation_get(struct cursor *c, struct stored_observation *o);

#endif
