/* Moments and ages. A moment keeps the wall clock, and beside it the boot
 * clock with the boot's identity: where two moments are of one boot of one
 * machine, no setting of the wall clock can make an age shrink. */
#ifndef DPC_CLOCK_H
#define DPC_CLOCK_H

#include <stdint.h>

struct moment {
	int64_t wall;     /* CLOCK_REALTIME, ns */
	int64_t boot;     /* CLOCK_BOOTTIME, ns */
	uint64_t boot_id; /* digest of this boot's id; 0 when unknown */
};

void moment_now(struct moment *m);

/* ns from `then` until now: the boot clock's answer where, within one boot, the
 * wall clock fell behind it, the wall clock's otherwise. Negative when `then`
 * lies in the future: such a thing has no age and must be taken as a miss. */
int64_t moment_age(const struct moment *then);

/* The same between two given moments. */
int64_t moment_between(const struct moment *then, const struct moment *now);

int64_t clock_wall_ns(void);
int64_t clock_mono_ns(void);

#endif
