#include "clock.h"

#include "hash.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec t = {0, 0};
	/* The plain system call: finding the vDSO's faster one costs a process
	 * that asks twice, as a hit does, two page faults. */
	if (sizeof(long) < 8 || syscall(SYS_clock_gettime, id, &t) < 0)
		clock_gettime(id, &t);
	return clock_ns(t);
}

static uint64_t read_boot_id(void)
{
	char id[64];
	int fd = openat(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, id, sizeof id);
	close(fd);
	return n > 0 ? hash64(id, (size_t)n) : 0;
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
