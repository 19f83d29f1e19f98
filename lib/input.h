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
	OBSERVED_OTHER = 's'   /* device, socket or fifo: its type, never read */
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
const char *observation_path(const struct observations *o, size_t i);

/* Observe the executable at `path` (as resolved). */
int observe_exe(struct observations *o, struct digests *d, const char *path, dpc_error *err);

/* Observe one declared input. A path that exists is taken literally; one that
 * does not, and has any of *?[ in it, is a glob; else it is absent.
 * DPC_E_DENIED, DPC_E_IO with the path in the message. */
int observe_input(struct observations *o, struct digests *d, const char *spec, dpc_error *err);

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

/* Is what lies at `path` still what was seen under `t`, by stat alone? */
bool observation_unchanged(enum observation_kind kind, const char *path, const struct tuple *t);

#endif
