/* Standard input as part of a question: read whole before anything runs, and
 * still there for the command afterwards. */
#ifndef DPC_STDIN_H
#define DPC_STDIN_H

#include "buf.h"
#include "hash.h"
#include "home.h"

/* Make descriptor 0 seekable: what is not (a pipe, a terminal) is read to its
 * end into an unnamed file below the home, which then becomes descriptor 0. */
int stdin_spool(const struct home *h, dpc_error *err);

/* Digest of descriptor 0 from its present offset, which stays. */
int stdin_digest(struct digest *out, dpc_error *err);

/* All of descriptor 0 from its present offset, which stays. */
int stdin_read(struct buf *out, dpc_error *err);

/* Leave descriptor 0 at its end, as a command that read it all would. */
void stdin_consume(void);

#endif
