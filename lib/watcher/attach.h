/* Setting a supervisor beside this process, before it becomes the watched program. */
#ifndef DPC_WATCHER_ATTACH_H
#define DPC_WATCHER_ATTACH_H

#include "watcher/journal.h"

enum attached {
	ATTACHED_NOT,    /* nobody watches: nothing is different than before */
	ATTACHED,        /* what this process does next is watched */
	ATTACHED_ALREADY /* it was before: by another of us */
};

/* The supervisor is no child of ours and holds none of our descriptors. All signals
 * must be blocked. Single-threaded programs only. */
enum attached attach(const struct journal *j);

#endif
