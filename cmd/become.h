/* Turning into dpcache-core, here or behind the caller's back. */
#ifndef DPC_BECOME_H
#define DPC_BECOME_H

#include <stdbool.h>

/* Exec the core with these words; returns 125 and says so when there is none.
 * Signal dispositions are the caller's to have put back. */
int become_core(char *const *argv);

/* In a new process: leave the session, the streams (but standard input, if
 * kept, from offset `input_at` on) and every descriptor other than `keep` (-1:
 * none) and, opened on nothing, `nothing` (-1). After it the process shares
 * nothing with its parent that anybody could wait for. */
void become_detached(bool keep_input, long long input_at, int keep, int nothing);

#endif
