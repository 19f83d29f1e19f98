#include "relay.h"

#include "clock.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool relay_init(struct relay *y, int from, int to)
{
	struct stat st;
	*y = (struct relay){.from = from, .to = to, .data = malloc(RELAY_BUFFER)};
	y->careful = fstat(to, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode));
	return y->data != NULL;
}

void relay_close(struct relay *y)
{
	if (y->from >= 0)
		close(y->from);
	y->from = -1;
	if (!y->held)
		y->size = y->sent = 0;
}

void relay_release(struct relay *y)
{
	relay_close(y);
	free(y->data);
	y->data = NULL;
}

bool relay_hold(struct relay *y)
{
	char *more = y->held ? y->data : realloc(y->data, RELAY_HELD + RELAY_BUFFER);
	if (!more)
		return false;
	y->data = more;
	y->held = true;
	return true;
}

void relay_let_go(struct relay *y)
{
	if (!y->held)
		return;
	y->held = false;
	y->moved = clock_mono_ns();
}

bool relay_wants_input(const struct relay *y)
{
	return y->from >= 0 && (y->held || y->sent == y->size);
}

bool relay_is_idle(const struct relay *y)
{
	return y->from < 0 && y->sent == y->size;
}

void relay_poll(const struct relay *y, struct pollfd *p)
{
	if (relay_is_idle(y) || (y->from < 0 && y->held))
		*p = (struct pollfd){.fd = -1};
	else if (relay_wants_input(y))
		*p = (struct pollfd){.fd = y->from, .events = POLLIN};
	else
		*p = (struct pollfd){.fd = y->to, .events = POLLOUT};
}

bool relay_fill(struct relay *y)
{
	if (!y->held)
		y->size = y->sent = 0;
	y->fresh = y->size;
	ssize_t n = read(y->from, y->data + y->size, RELAY_BUFFER);
	if (n > 0) {
		y->size += (size_t)n;
		y->moved = clock_mono_ns();
		/* Nobody to pass it on to, but it was there to be recorded. */
		if (y->sink_errno)
			y->sent = y->size;
		return true;
	}
	if (n == 0 || (errno != EINTR && errno != EAGAIN))
		relay_close(y);
	return false;
}

void relay_drop(struct relay *y)
{
	y->held = false;
	y->sent = y->size;
}

void relay_drain(struct relay *y, bool blocking)
{
	size_t left = y->size - y->sent;
	if (!left || y->held)
		return;
	/* A pipe that polls writable has room for at least PIPE_BUF bytes. */
	size_t some = y->careful && !blocking && left > PIPE_BUF ? PIPE_BUF : left;
	/* Once only: a signal that interrupts it may mean that nobody waits for the rest. */
	ssize_t n = write(y->to, y->data + y->sent, some);
	if (n >= 0) {
		y->sent += (size_t)n;
		y->passed += (size_t)n;
		y->moved = clock_mono_ns();
	} else if (errno != EINTR && errno != EAGAIN) {
		y->sink_errno = errno;
		y->sent = y->size;
	}
}
