/* Outputs: files that a run wrote, kept with its result and put back on a hit.
 *
 * This is the room of their names and of the list of them. A path in the list is
 * relative to the directory in which dpcache was started, without "." or "..", and
 * so are the specs, once they are seen as such. Regular files only. Encoded:
 *
 *   u32 count, then each: u32 mode, u64 at, u64 size, 16 bytes digest, field path with NUL
 *
 * in strictly ascending order of the paths; `at` counts in the capsule's files
 * section (capsule.h). */
#ifndef DPC_OUTPUT_H
#define DPC_OUTPUT_H

#include "capsule.h"

#include <limits.h>
#include <sys/stat.h>

struct output {
	uint32_t mode;     /* 0777 at most */
	uint64_t at, size; /* its content, in the files section */
	struct digest sum; /* of that */
	const char *path;
};

/* --- names --- */

/* DPC_E_USAGE when `spec`, a path or a pattern, is not one of something below the
 * working directory. */
int output_check_spec(const char *spec, dpc_error *err);

/* The part of a path that is below the working directory, made plain: without ".",
 * without empty parts. false when it is not below it, is the directory itself, or is
 * too long. */
bool output_plain(char out[PATH_MAX], const char *path);

/* May a file be kept, as it is? Else it is to be said of it that it cannot. */
bool output_may_be(const struct stat *st);

/* What is written beside its place, before it takes that: names of their own, each of
 * one process. */
struct staged {
	long pid;
	uint32_t unique; /* two processes of one pid may be at it, in two containers */
	size_t index;
};
enum { STAGED_NAME = 64 };
void output_staged_name(char out[STAGED_NAME], const struct staged *s);

/* Is a file's name of that form, and no other? */
bool output_is_staged(struct staged *out, const char *name);

/* --- the list --- */

void output_put(struct buf *b, const struct output *o);

/* A list read; zero-initialise, release with outputs_release. */
struct outputs {
	struct buf bytes;
	struct output *v; /* paths point into `bytes` */
	size_t count;
};

/* The list of a capsule with CAPSULE_FILES. DPC_E_CORRUPT when any bit of it is not
 * what was written, or it is no such list at all. */
int outputs_load(struct outputs *l, const struct capsule *c, const struct frames *f, dpc_error *err);

/* Is the content of this one what it was? DPC_E_CORRUPT, DPC_E_IO. */
int output_check_content(const struct output *o, const struct frames *files, dpc_error *err);

/* All of them. DPC_OK, too, for a capsule that has none. */
int outputs_check(const struct capsule *c, const struct frames *f, dpc_error *err);

void outputs_release(struct outputs *l);

#endif
