/* The capsule: one remembered run as bytes. The only serialized form, in
 * files, databases and on the wire alike, all integers little-endian:
 *
 *   head    CAPSULE_HEAD bytes, below; its last field sums the others
 *   meta    question, observations (see input.h) and label, a field each; of a
 *           traced run CAPSULE_TRACED and one more of observations; and zeros that
 *           bring the frames of a large one to a page's start
 *   frames  u64 (size << 8 | stream), then size bytes
 *   files   what the run wrote into files (output.h): their contents, and behind
 *           them the list of them; empty but with CAPSULE_FILES; to the end
 *
 * Sums cover every byte that is ever used: meta_sum the meta, payload_sum the
 * frames' bytes in order, frames_sum the frames' u64s in order; list_sum the list,
 * which has a digest of each file's content; head_sum the head, but
 * for `voided`, which others may set while the run is still at work and which
 * must be zero in anything replayed to a later caller.
 *
 * A capsule is written from front to back while the command runs, into the
 * very file that is the key's lock (lock.h); `state` says how far it is. In
 * CAPSULE_BUILDING the sizes tell what there is so far, and payload_sum and
 * frames_sum nothing: frames_size and output_size together give the number of
 * frames, and where the last one, whose u64 is still changing, ends. */
#ifndef DPC_CAPSULE_H
#define DPC_CAPSULE_H

#include "clock.h"
#include "err.h"
#include "hash.h"
#include "input.h"

enum { CAPSULE_HEAD = 192, CAPSULE_VOIDED_AT = 16, CAPSULE_VERSION = 2, CAPSULE_TRACED = 'T' };

enum capsule_state {
	CAPSULE_BUILDING = 0, /* the run is at work, or its leader died */
	CAPSULE_DONE = 1,     /* complete */
	CAPSULE_ELSEWHERE = 2, /* the leader found the answer in the store: look again */
	CAPSULE_GIVEN_UP = 3  /* the run's output could not be kept: run it yourself */
};

enum capsule_flags {
	CAPSULE_VALUE = 1, /* a plain value, not a run */
	CAPSULE_HELD = 2,  /* not to be shown before it is complete */
	CAPSULE_CUT = 4,   /* ended after `cost` by its leader's --max-run */
	CAPSULE_FILES = 8, /* has what was declared as output, be it no file at all */
	CAPSULE_MANIFEST = 16, /* no result: where to find those of a traced question (manifest.h) */
	CAPSULE_NOTES = 8  /* shift: above it enum wire_note (shim/wire.h), of a traced run */
};

enum stream { STREAM_OUT = 1, STREAM_ERR = 2 };

struct capsule {
	uint32_t state, voided, flags;
	struct digest key;
	struct moment created; /* when the result was complete */
	uint64_t generation;   /* state.h, as of the start */
	int64_t ttl;           /* the writer's: for prune and ls; never decides a hit of run */
	int64_t grace;         /* the writer's: how long past the ttl it may still be of use, ns;
	                        * BUILDING: how long it may run, 0 no limit */
	int64_t cost;          /* how long the command ran, ns; BUILDING: the last time, 0 unknown */
	int32_t status;        /* the raw wait status, all four bytes */
	uint32_t pid;          /* of the leader */
	int64_t started;       /* wall clock, ns */
	uint64_t meta_size, frames_size, output_size;
	uint64_t contents_size, list_size; /* of the files section */
	uint64_t meta_sum, payload_sum, frames_sum, list_sum;
};

void capsule_encode_head(uint8_t out[CAPSULE_HEAD], const struct capsule *c);

/* DPC_OK; DPC_E_CORRUPT for anything that is not a whole, intact head;
 * DPC_E_VERSION for a later version's. */
int capsule_decode_head(struct capsule *c, const void *data, size_t size, dpc_error *err);

/* Read it from a file in which somebody may be writing it anew at this moment:
 * a torn one is read again, for a while. */
int capsule_read_head(struct capsule *c, int fd, dpc_error *err);

/* Mark the capsule that is being built in `fd`: whoever comes from now on must
 * not be answered by this run. false when it cannot be written. */
bool capsule_void(int fd);

/* What is behind the meta: frames and files. Too much for any file where the sizes
 * are nonsense. */
uint64_t capsule_body_size(const struct capsule *c);

/* Where the whole capsule ends. */
uint64_t capsule_size(const struct capsule *c);

/* The meta section taken apart; everything borrowed from `bytes`. */
struct capsule_meta {
	struct slice question, observations /* as observations_put wrote them */, label;
	struct slice traced; /* further observations, of what the run was seen to read; data NULL: none */
};

void capsule_encode_meta(struct buf *b, struct slice question, const struct observations *o,
                         struct slice label);

/* Behind that, what a traced run was seen to read: facts (fact.h). */
void capsule_encode_traced(struct buf *b, const struct observations *traced);

/* Take it apart; the bytes are known to be sound. */
int capsule_parse_meta(struct capsule_meta *m, struct slice bytes, dpc_error *err);

/* The same, checking the sum in `c` first. */
int capsule_decode_meta(struct capsule_meta *m, const struct capsule *c, struct slice bytes,
                        dpc_error *err);

/* Where a capsule's frames are: in memory, or in a file from `offset`. With the
 * frames in either, the files section is there behind them. */
struct frames {
	struct slice memory; /* data NULL: in the file; its size is not looked at */
	int fd;
	uint64_t offset, size;
};

/* `size` bytes of the frames section from `at`. DPC_E_CORRUPT past its end. */
int frames_read(void *to, uint64_t size, const struct frames *f, uint64_t at, dpc_error *err);

/* The files section, of a capsule whose frames are there. */
struct frames capsule_files(const struct capsule *c, const struct frames *f);

/* The digest of `size` bytes from `at`. */
int frames_digest(struct digest *out, const struct frames *f, uint64_t at, uint64_t size, dpc_error *err);

/* Read through all frames and compare both sums. DPC_E_CORRUPT, DPC_E_IO. */
int capsule_check_frames(const struct capsule *c, const struct frames *f, dpc_error *err);

/* One frame's u64 taken apart. */
static inline uint64_t frame_word(enum stream stream, uint64_t size)
{
	return size << 8 | (uint64_t)stream;
}
static inline uint64_t frame_word_size(uint64_t word)
{
	return word >> 8;
}
static inline enum stream frame_word_stream(uint64_t word)
{
	return (enum stream)(word & 0xff);
}

/* The exit status a shell would show for a raw wait status: 128+N for death
 * by signal N. */
int capsule_exit_status(int32_t wait_status);

#endif
