/* What a caller sees while it waits for another's run: its output as it comes,
 * or one line that says who runs it. */
#ifndef DPC_ONLOOK_H
#define DPC_ONLOOK_H

#include "live.h"
#include "meet.h"
#include "options.h"
#include "waitline.h"

struct onlook {
	const struct run_options *o;
	struct live live;
	struct waitline line;
	int64_t since; /* clock_mono_ns: when the waiting began; 0: not yet */
};

/* Have it done while m is met. Both must stay where they are. */
void onlook_begin(struct onlook *w, const struct run_options *o, struct meet *m);

/* Go on with an output that the process which became this one has begun to show,
 * as resume_encode has it. */
void onlook_go_on(struct onlook *w, struct meet *m, const char *shown);

/* The meeting is over. */
void onlook_end(struct onlook *w);

#endif
