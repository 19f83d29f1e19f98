#include "clock.h"

#include "hash.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec t = {0, 0};
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t read_boot_id(void)
{
	char id[64];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
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

int64_t moment_age(const struct moment *then, const struct moment *now)
{
	int64_t wall = now->wall - then->wall;
	if (!now->boot_id || now->boot_id != then->boot_id)
		return wall;
	int64_t boot = now->boot - then->boot;
	return boot > wall ? boot : wall;
}
