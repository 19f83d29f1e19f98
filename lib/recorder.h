/* Builds one capsule while its output is being produced, in constant memory:
 * small ones in memory, larger ones in the file given alone.
 *
 *   recorder_begin → recorder_append … → recorder_finish → recorder_release
 *
 * Where there is a file, others can see in it at any time who is at work and
 * what has come so far (tail.h reads it): recorder_begin writes meta and head,
 * each recorder_append its bytes, then their frame's word, then the head, whose
 * meta_size, frames_size and output_size tell of exactly that. Only the last
 * frame's word is ever rewritten. Once, when they outgrow CAPSULE_INLINE, the
 * frames move to a page's start: until they are there, the head tells of none.
 * The head in the file is torn while it is being written; its sum shows that.
 *
 * Between the last recorder_append and recorder_finish the files that the run wrote
 * may be added: recorder_take_file …, then recorder_list. Who reads frames as they
 * come never sees anything of that. */
#ifndef DPC_RECORDER_H
#define DPC_RECORDER_H

#include "capsule.h"

/* Capsules up to this size live whole in the database and on the shelf;
 * larger ones are files. */
enum { CAPSULE_INLINE = 65536 };

struct recorder {
	struct capsule capsule;
	struct buf meta;
	struct buf small; /* the frames, until the spill */
	int fd;           /* borrowed; -1: none, then nothing may outgrow memory */
	bool spilled;     /* the frames are in the file alone */
	bool broken;      /* what is in the file is no longer what it ought to be */
	uint64_t limit;   /* of output_size and `taken` together */
	uint64_t taken;   /* bytes of files */
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
 * file cannot take it; after DPC_E_IO, only recorder_frames, which tells of what
 * was taken before, recorder_give_up and recorder_release. */
int recorder_append(struct recorder *r, enum stream stream, const void *data, size_t size,
                    dpc_error *err);

/* Copy the first `size` bytes of the file `from` behind what there is; they are then
 * at *at of the files section. Blocks are shared where the file system can. DPC_OK;
 * DPC_E_USAGE when it would pass the limit; DPC_E_CONFLICT when the file has become
 * shorter; DPC_E_IO. But for DPC_OK, recorder_drop_files must follow. */
int recorder_take_file(struct recorder *r, int from, uint64_t size, uint64_t *at, dpc_error *err);

/* Behind them the list that tells of them (output.h). */
int recorder_list(struct recorder *r, const struct buf *list, dpc_error *err);

/* The files so far are not to be in it. recorder_finish tells if that cannot be
 * brought about. */
void recorder_drop_files(struct recorder *r);

/* The end: r->capsule then has its sizes, sums and `state`, and the file, if
 * there is one, holds it whole. `status`, `created` and `cost` were set in
 * r->capsule by the caller. */
int recorder_finish(struct recorder *r, enum capsule_state state, dpc_error *err);

/* Tell those who wait on the file that nothing will come of this run. */
void recorder_give_up(struct recorder *r, enum capsule_state state);

/* The frames so far, whole; borrowed from the recorder. */
struct frames recorder_frames(const struct recorder *r);

/* After recorder_finish, when not spilled: the capsule whole, in memory. */
int recorder_inline_bytes(struct recorder *r, struct buf *out);

/* r->meta is another than it was: tell of it in r->capsule. `apart`: it stands in a file,
 * and first gets the zeros that bring the frames behind it to a page's start. Writes
 * nothing. DPC_E_MEMORY. */
int recorder_describe(struct recorder *r, bool apart, dpc_error *err);

void recorder_release(struct recorder *r);

#endif
