/* Giving the caller an answer that was found: the same in front and core. */
#ifndef DPC_SERVE_H
#define DPC_SERVE_H

#include "meet.h"
#include "options.h"

/* Note and report a run that was shown as it came; its exit status. */
int serve_shown(const struct run_options *o, const struct meet *m, uint64_t *events);

/* Part of an output was shown, and it cannot be gone on with: says so; the exit
 * status. */
int serve_conflict(const dpc_error *err);

/* The same of one who looked on at others' runs alone; the decision is reported, too. */
int serve_broken_off(const struct run_options *o, const struct meet *m, const dpc_error *err);

/* What serve_answer says when it has done nothing: an output cannot be put back, and
 * the command has to run. */
enum { SERVE_REFUSED = -1 };

/* Put its outputs back, and write the answer out, or what is left of it to show (meet_has_shown), SIGPIPE
 * being held off (os.h); note and report the decision; the exit status. The event
 * log's size is told in *events. SERVE_REFUSED, and `err` says why. */
int serve_answer(const struct run_options *o, const struct meet *m, const struct answer *found,
                 enum meeting how, uint64_t *events, dpc_error *err);

#endif
