/* The process that stands by a watched program and writes down what it does. */
#ifndef DPC_WATCHER_SUPERVISE_H
#define DPC_WATCHER_SUPERVISE_H

#include "watcher/journal.h"

#include <stdbool.h>

/* Can this kernel's notifications be read at all? */
bool supervise_possible(void);

/* Answer the listener's calls until nobody is left who could make one. Each goes on
 * only when its record stands in the log. */
void supervise(const struct journal *j, int listener);

#endif
