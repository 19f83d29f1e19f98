/* Writes a capsule's output to the streams it came from. */
#ifndef DPC_REPLAY_H
#define DPC_REPLAY_H

#include "capsule.h"
#include "resume.h"

/* Write every frame to `out` or `err_fd` (-1: leave its frames out). A reader that
 * went away (EPIPE) is no error: the rest for that stream is skipped. Large frames
 * in files go by the kernel, never through memory. SIGPIPE must be ignored.
 *
 * With `given` (NULL: nothing; spent afterwards) what another run's output began
 * with is left out; DPC_E_CONFLICT, and nothing written, when this one does not
 * begin so. DPC_E_IO when a stream takes no
 * more for another reason, DPC_E_CORRUPT when frames end early. */
int replay_frames(const struct frames *f, struct resume *given, int out, int err_fd, dpc_error *err);

#endif
