/* Reads the output in a capsule's file that is still being written (recorder.h).
 *
 *   tail_init → tail_next … until DPC_OK with no bytes, or an error
 *
 * The writer takes no notice: whatever was read counts only if the head, read
 * again behind it, still tells of it. The frame at the end is taken to end
 * where the head says, for its own word may be half rewritten. At the end all
 * that was given is compared with the capsule's sums. */
#ifndef DPC_TAIL_H
#define DPC_TAIL_H

#include "capsule.h"

struct tail {
	struct capsule head; /* as last read whole; state CAPSULE_BUILDING before */
	int fd;              /* borrowed */
	enum stream only;    /* 0: both */
	uint64_t frames;     /* how many are behind us, … */
	uint64_t frame_at;   /* … where in the frames section the next one's word is, … */
	uint64_t taken;      /* … how many of its bytes were read, … */
	enum stream stream;  /* … and, once there were any, whose they are */
	uint64_t output;     /* bytes read in all */
	struct hasher payload, words;
};

/* From the beginning. With `only` the other stream's bytes are not even read:
 * then no sum vouches for the bytes, only for the frames. */
void tail_init(struct tail *t, int fd, enum stream only);

/* Read the head anew. DPC_MISS: there is none that is whole, for it is being
 * written, or its writer died over it. DPC_E_IO, DPC_E_VERSION. */
int tail_look(struct tail *t, dpc_error *err);

/* The next bytes, at most `room` (> 0), of one frame.
 * DPC_OK, *size > 0: here they are, of *stream.
 * DPC_OK, *size == 0: the capsule is complete and all of it was given.
 * DPC_MISS: nothing more for now.
 * DPC_E_NOTFOUND: nothing will come; t->head.state says CAPSULE_ELSEWHERE or
 * CAPSULE_GIVEN_UP. DPC_E_CORRUPT: damaged. DPC_E_IO, DPC_E_VERSION. */
int tail_next(struct tail *t, enum stream *stream, void *to, size_t room, size_t *size, dpc_error *err);

#endif
