/* Goes on with an output of which some was given when its run died: the next
 * run's is swallowed up to there, and must be the same so far.
 *
 *   resume_init → resume_note … → the run dies → resume_restart
 *     → resume_filter, resume_note of what it left … → resume_end
 *
 * The streams come in turns that differ from run to run: one can be beyond what was
 * given of it before the other is. Nothing new may go out before resume_is_met, or
 * one stream would be of one run and the other of another.
 *
 * Remembers counts and sums, never bytes. */
#ifndef DPC_RESUME_H
#define DPC_RESUME_H

#include "capsule.h"

struct resume_stream {
	uint64_t given;       /* bytes that went out */
	uint64_t seen;        /* bytes of the present run; all the same while less than given */
	struct digest sum;    /* of what was given before the present run */
	struct hasher hasher; /* of what was seen */
};

struct resume {
	struct resume_stream streams[2];
};

enum { RESUME_TEXT = 2 * (20 + 1 + DIGEST_HEX) };

void resume_init(struct resume *r);

/* These bytes go out. Only of what resume_filter has left. */
void resume_note(struct resume *r, enum stream stream, const void *data, size_t size);

/* The next bytes come from the beginning again: of another run, for this one died,
 * or of the same. */
void resume_restart(struct resume *r);

/* Leave of a run's bytes those that were not given yet; *size may become 0.
 * DPC_E_CONFLICT when what was given turns out to be something else. */
int resume_filter(struct resume *r, enum stream stream, const uint8_t **data, size_t *size, dpc_error *err);

/* Has all come again that was given, of both streams? */
bool resume_is_met(const struct resume *r);

/* The run ended well. DPC_E_CONFLICT when it said less than was given. */
int resume_end(const struct resume *r, dpc_error *err);

/* As "OUTCOUNT:OUTHEX:ERRCOUNT:ERRHEX", for another process; there it counts
 * as restarted. DPC_E_USAGE for any other text. */
void resume_encode(char out[RESUME_TEXT], const struct resume *r);
int resume_decode(struct resume *r, const char *text, dpc_error *err);

#endif
