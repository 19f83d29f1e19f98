/* Builds one capsule while its output is being produced, in constant memory:
 * small ones in memory, larger ones in the file given.
 *
 *   recorder_begin → recorder_append … → recorder_finish → recorder_release
 *
 * recorder_begin writes head and meta to the file at once, so that others can
 * see who is at work; the frames follow there when they outgrow
 * CAPSULE_INLINE, and all of it by recorder_finish. */
#ifndef DPC_RECORDER_H
#define DPC_RECORDER_H

#include "capsule.h"

/* Capsules up to this size live whole in the database and on the shelf;
 * larger ones are files. */
enum { CAPSULE_INLINE = 65536 };

struct recorder {
	struct capsule capsule;
	struct buf meta;
	struct buf small; /* the frames while they are in memory */
	int fd;           /* borrowed; -1: none, then nothing may outgrow memory */
	bool spilled;     /* the frames are in the file */
	uint64_t limit;   /* of output_size */
	uint64_t open_at; /* where in the frames section the open frame's word is */
	uint64_t open_size;
	enum stream open_stream;
	struct hasher payload, words;
};

/* `capsule` carries what is known at the start: key, generation, pid, started,
 * flags, ttl. `meta` is taken over. */
int recorder_begin(struct recorder *r, const struct capsule *capsule, struct buf *meta, int fd,
                   uint64_t limit, dpc_error *err);

/* More output. DPC_E_USAGE when it would pass the limit, DPC_E_IO when the
 * file cannot take it; after either, only recorder_release. */
int recorder_append(struct recorder *r, enum stream stream, const void *data, size_t size,
                    dpc_error *err);

/* The end: r->capsule then has its sizes, sums and `state`, and the file, if
 * there is one, holds it whole. `status`, `created` and `cost` were set in
 * r->capsule by the caller. */
int recorder_finish(struct recorder *r, enum capsule_state state, dpc_error *err);

/* Tell those who wait on the file that nothing will come of this run. */
void recorder_give_up(struct recorder *r, enum capsule_state state);

/* The frames so far, whole; borrowed from the recorder. */
int recorder_frames(struct frames *out, struct recorder *r, dpc_error *err);

/* After recorder_finish, when not spilled: the capsule whole, in memory. */
int recorder_inline_bytes(struct recorder *r, struct buf *out);

void recorder_release(struct recorder *r);

#endif
