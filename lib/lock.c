#include "lock.h"

#include "clock.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

void lock_name(char out[LOCK_NAME], const struct digest *key)
{
	char hex[DIGEST_HEX];
	digest_hex(hex, key);
	snprintf(out, LOCK_NAME, "locks/%s", hex);
}

int lock_open(const struct home *h, const struct digest *key)
{
	char name[LOCK_NAME];
	lock_name(name, key);
	return home_open_file(h, name, O_RDWR | O_CREAT);
}

bool lock_is_current(const struct home *h, const struct digest *key, int fd)
{
	char name[LOCK_NAME];
	lock_name(name, key);
	return os_path_names(h->fd, name, fd);
}

int lock_try_exclusive(int fd)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0)
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? 0 : -1;
	return 1;
}

static int wait_for(int fd, int operation, int64_t deadline)
{
	/* Without a deadline the kernel wakes us; with one we have to ask, for
	 * flock has no time-out and signals belong to the program. */
	struct timespec nap = {0, 200000};
	int flags = deadline == DPC_FOREVER ? 0 : LOCK_NB;
	while (flock(fd, operation | flags) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return -1;
		if (clock_mono_ns() >= deadline)
			return 0;
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < 5000000)
			nap.tv_nsec *= 2;
	}
	return 1;
}

int lock_wait_shared(int fd, int64_t deadline)
{
	return wait_for(fd, LOCK_SH, deadline);
}

int lock_wait_exclusive(int fd, int64_t deadline)
{
	return wait_for(fd, LOCK_EX, deadline);
}

void lock_unlink(const struct home *h, const struct digest *key, int fd)
{
	char name[LOCK_NAME];
	if (!lock_is_current(h, key, fd))
		return;
	lock_name(name, key);
	unlinkat(h->fd, name, 0);
}

void lock_release(const struct home *h, const struct digest *key, int fd)
{
	lock_unlink(h, key, fd);
	flock(fd, LOCK_UN);
}

void lock_retire(const struct home *h, const struct digest *key, int fd)
{
	if (fd < 0)
		return;
	lock_release(h, key, fd);
	close(fd);
}
