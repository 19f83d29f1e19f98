/* Refreshing what was answered though it is old: behind the caller's back. */
#ifndef DPC_REFRESH_H
#define DPC_REFRESH_H

#include "meet.h"
#include "options.h"
#include "os.h"

/* Is it to be done by the caller itself, before its answer? */
bool refresh_is_foreground(const struct run_options *o);

/* End with `status`, the answer being served; a process that shares nothing with
 * our caller takes the lock if nobody else has it, and becomes a core that
 * refreshes m->answer. `argv` is the whole command line. */
_Noreturn void refresh_behind(int status, const struct run_options *o, struct meet *m, char *const *argv,
                    const struct write_signals *signals);

#endif
