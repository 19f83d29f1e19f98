/* Moments and ages. A moment keeps the wall clock, and beside it the boot
 * clock with the boot's identity: where two moments are of one boot of one
 * machine, no setting of the wall clock can make an age shrink. */
#ifndef DPC_CLOCK_H
#define DPC_CLOCK_H

#include <stdint.h>
#include <time.h>

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

static inline int64_t clock_ns(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* From now on this process is one that reads clocks all the time, and not once or twice:
 * then the way that is dear to begin and cheap to go on with is taken. */
void clock_asked_often(void);

int64_t clock_wall_ns(void);
int64_t clock_mono_ns(void);

#endif
