/* A leader that is stopped (SIGSTOP) cannot keep its promise to end within
 * --max-run, nor see to it that its command does. Somebody has to. */
#ifndef DPC_STALL_H
#define DPC_STALL_H

#include <stdint.h>

/* How long, beyond what a run may last, its leader may take to end it, in ns: the
 * command has five seconds from SIGTERM to SIGKILL. */
enum { STALL_MERCY_S = 6 };

/* Kill the process that holds the flock of `fd`, if it is stopped: its keeper then
 * ends what is left of the run, and frees the lock. Nothing happens to one that
 * works, or that cannot be seen. */
void stall_end(int fd);

#endif
