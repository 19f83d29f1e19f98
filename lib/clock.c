#include "clock.h"

#include "hash.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_bool often;

void clock_asked_often(void)
{
	atomic_store_explicit(&often, true, memory_order_relaxed);
}

static int64_t read_clock(clockid_t id)
{
	struct timespec t = {0, 0};
	/* The plain system call: finding the vDSO's faster one costs a process
	 * that asks twice, as a hit does, two page faults. */
	if (sizeof(long) < 8 || atomic_load_explicit(&often, memory_order_relaxed) || syscall(SYS_clock_gettime, id, &t) < 0)
		clock_gettime(id, &t);
	return clock_ns(t);
}

/* It stays what it is as long as we live. */
static uint64_t read_boot_id(void)
{
	static _Atomic uint64_t known;
	char id[64];
	if (atomic_load_explicit(&known, memory_order_relaxed))
		return atomic_load_explicit(&known, memory_order_relaxed);
	int fd = openat(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, id, sizeof id);
	close(fd);
	atomic_store_explicit(&known, n > 0 ? hash64(id, (size_t)n) : 0, memory_order_relaxed);
	return atomic_load_explicit(&known, memory_order_relaxed);
}

int64_t clock_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void moment_now(struct moment *m)
{
	m->wall = read_clock(CLOCK_REALTIME);
	m->boot = read_clock(CLOCK_BOOTTIME);
	m->boot_id = read_boot_id();
}

/* The clocks differ by what NTP slews, too: only more than this is a step. */
static const int64_t SLEW = 1000000000;

static bool stepped(int64_t wall, int64_t boot)
{
	return wall < 0 || boot - wall > SLEW;
}

int64_t moment_between(const struct moment *then, const struct moment *now)
{
	int64_t wall = now->wall - then->wall, boot = now->boot - then->boot;
	bool one_boot = now->boot_id && now->boot_id == then->boot_id;
	return one_boot && stepped(wall, boot) ? boot : wall;
}

int64_t moment_age(const struct moment *then)
{
	struct moment now = {.wall = read_clock(CLOCK_REALTIME), .boot = read_clock(CLOCK_BOOTTIME)};
	/* Reading the boot's id costs a hit more than all the rest here: only
	 * where it can make a difference. */
	if (stepped(now.wall - then->wall, now.boot - then->boot))
		now.boot_id = read_boot_id();
	return moment_between(then, &now);
}
