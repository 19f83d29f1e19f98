/* What can be wrong with a cache, found one by one and, if asked, mended. */
#ifndef DPC_CHECK_H
#define DPC_CHECK_H

#include "store.h"

enum finding_level {
	FINDING_OK,     /* looked at, and well */
	FINDING_NOTE,   /* worth knowing, nothing to mend */
	FINDING_BROKEN, /* wrong */
	FINDING_FIXED   /* was wrong, is mended */
};

struct finding {
	enum finding_level level;
	const char *what; /* the part that was looked at: "directory", "store" … */
	const char *text; /* one line; borrowed for the call */
};

typedef void check_report_fn(void *context, const struct finding *f);

struct check {
	bool fix;
	check_report_fn *report;
	void *context;
	unsigned broken; /* out: found and not mended */
};

/* Check the cache that home_locate found, from the outside in. Returns DPC_OK when
 * the check could be made, whatever it found. */
int check_cache(struct check *c, struct home *h, dpc_error *err);

#endif
