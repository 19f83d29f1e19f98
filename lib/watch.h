/* Waits until an open file was changed, or let go, by somebody. A helper of
 * live.h: a wait may end for no reason, and ends after a second at the latest. */
#ifndef DPC_WATCH_H
#define DPC_WATCH_H

#include <stdint.h>

struct watch {
	int fd;      /* of inotify; -1: there is none to be had, then it naps */
	int64_t nap; /* the longest time to wait next, ns */
};

void watch_open(struct watch *w, int fd);

/* Up to `deadline` (clock_mono_ns; DPC_FOREVER). */
void watch_wait(struct watch *w, int64_t deadline);

void watch_close(struct watch *w);

#endif
