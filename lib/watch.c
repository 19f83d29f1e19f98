#include "watch.h"

#include "clock.h"
#include "dpcache.h"
#include "os.h"

#include <poll.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

/* Somebody's close is told before his lock is gone, and may have been told
 * before we listened: then ask again soon, and ever less often. */
static const int64_t SOON = 500000, LATE = 1000000000;
/* The same for one who is told nothing. */
static const int64_t OFTEN = 10000000, SELDOM = 50000000;

static int watch_file(int fd)
{
	char path[32];
	int in = os_raise_fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
	if (in < 0)
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (inotify_add_watch(in, path, IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF) >= 0)
		return in;
	close(in);
	return -1;
}

void watch_open(struct watch *w, int fd)
{
	w->fd = watch_file(fd);
	w->nap = w->fd >= 0 ? SOON : OFTEN;
}

/* Take in all that was told; was a close among it? */
static bool drain(int fd)
{
	alignas(struct inotify_event) char events[4096];
	bool closed = false;
	ssize_t n;
	while ((n = read(fd, events, sizeof events)) > 0)
		for (ssize_t at = 0; at < n;) {
			struct inotify_event e;
			memcpy(&e, events + at, sizeof e);
			closed |= (e.mask & IN_CLOSE_WRITE) != 0;
			at += (ssize_t)(sizeof e + e.len);
		}
	return closed;
}

static int64_t time_left(const struct watch *w, int64_t deadline)
{
	int64_t left = deadline == DPC_FOREVER ? w->nap : deadline - clock_mono_ns();
	return left < 0 ? 0 : left < w->nap ? left : w->nap;
}

void watch_wait(struct watch *w, int64_t deadline)
{
	struct pollfd p = {.fd = w->fd, .events = POLLIN};
	int64_t left = time_left(w, deadline), most = w->fd >= 0 ? LATE : SELDOM;
	struct timespec nap = {left / 1000000000, left % 1000000000};
	int told = ppoll(&p, 1, &nap, NULL);
	w->nap = w->nap < most / 2 ? w->nap * 2 : most;
	if (told > 0 && drain(w->fd))
		w->nap = SOON;
}

void watch_close(struct watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}
