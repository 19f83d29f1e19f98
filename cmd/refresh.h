/* Refreshing what was answered though it is old: behind the caller's back. */
#ifndef DPC_REFRESH_H
#define DPC_REFRESH_H

#include "meet.h"
#include "options.h"
#include "os.h"

/* Is it to be done by the caller itself, before its answer? */
bool refresh_is_foreground(const struct run_options *o);

/* Start a core that refreshes m->answer with the lock in hand, sharing nothing
 * with us; `argv` is the whole command line. The lock is given away, or given
 * back where no process can be had. */
void refresh_behind(const struct run_options *o, struct meet *m, char *const *argv,
                    const struct write_signals *signals);

/* For the core that this process becomes: the lock, and what it was taken for. */
void refresh_hand_over(const struct run_options *o, const struct meet *m, bool foreground);

#endif
