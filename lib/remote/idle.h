/* Links to servers that are done with, kept for the next who opens the same store in this
 * process. A process that was forked has none of its parent's. Any thread. */
#ifndef DPC_IDLE_H
#define DPC_IDLE_H

#include <stdbool.h>
#include <stdint.h>

/* One to this place (home.h), which is the caller's now; NULL: none. */
void *idle_take(uint64_t place);

/* false when there are enough of them: it stays the caller's. */
bool idle_give(void *link, uint64_t place);

#endif
