/* A process that passes one stream of a run on to a reader who is slow, from the
 * file in which the run is recorded: neither the command nor those who wait for
 * its result shall wait for somebody who leafs through it in a pager.
 *
 *   laggard_start → laggard_finish
 *
 * It dies with the process that started it. */
#ifndef DPC_LAGGARD_H
#define DPC_LAGGARD_H

#include "capsule.h"

#include <sys/types.h>

struct laggard {
	pid_t pid;   /* 0: none */
	int control; /* open as long as more may come */
};

#define LAGGARD_NONE ((struct laggard){.pid = 0, .control = -1})

/* Pass `stream` on to `to`, but for its first `passed` bytes. `fd` is where it is
 * being recorded (recorder.h), with a lock that the new process must not hold.
 * false when there can be none. */
bool laggard_start(struct laggard *l, int fd, enum stream stream, uint64_t passed, int to);

/* Nothing more will come: wait until all that is recorded by now has been passed
 * on, for at most `patience` ns (DPC_FOREVER). 0, or the errno with which that failed.
 * Harmless when there is none. */
int laggard_finish(struct laggard *l, int64_t patience);

#endif
