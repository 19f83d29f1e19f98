/* Giving the caller an answer that was found: the same in front and core. */
#ifndef DPC_SERVE_H
#define DPC_SERVE_H

#include "meet.h"
#include "options.h"

/* Write the answer out, SIGPIPE being held off (os.h), note and report the decision; the exit status. The
 * event log's size is told in *events. */
int serve_answer(const struct run_options *o, const struct ask *a, const struct answer *found,
                 enum meeting how, uint64_t *events);

#endif
