/* The filter that stops a program at the calls that are watched. */
#ifndef DPC_WATCHER_FILTER_H
#define DPC_WATCHER_FILTER_H

#include <linux/filter.h>

enum { FILTER_MOST = 400 };

struct filter {
	struct sock_filter code[FILTER_MOST];
	unsigned short size;
};

/* The program for the kernel: every call that call_find knows, and all of another
 * architecture, are notified; except what their arguments show to be of no interest. */
void filter_build(struct filter *f);

/* Put this thread, and all that comes of it, under the filter, with no_new_privs
 * where nothing else is allowed. The listener, close-on-exec, or -1 with errno:
 * EALREADY: one of us watches already. */
int filter_install(void);

#endif
