#include "channel.h"

#include "clock.h"
#include "os.h"
#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* 1 ready, 0 out of time, -1 with errno. */
static int await(int fd, short events, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};
	for (;;) {
		int64_t left = deadline - clock_mono_ns();
		int ms = left <= 0 ? 0 : left / 1000000 >= INT32_MAX ? INT32_MAX : (int)(left / 1000000) + 1;
		int n = poll(&p, 1, ms);
		if (n != 0 && !(n < 0 && errno == EINTR))
			return n;
		if (left <= 0)
			return 0;
	}
}

/* --- connecting --- */

static int finish_connecting(int fd, int64_t deadline)
{
	int error = 0;
	socklen_t size = sizeof error;
	int ready = await(fd, POLLOUT, deadline);
	if (ready == 0)
		errno = ETIMEDOUT;
	if (ready <= 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -1;
	errno = error;
	return error ? -1 : 0;
}

/* A descriptor, or -1 with errno. */
static int connect_to(const struct sockaddr *address, socklen_t size, int64_t deadline)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	fd = fd < 0 ? fd : os_raise_fd(fd);
	if (fd < 0)
		return -1;
	int one = 1;
	if (address->sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(fd, address, size) == 0 ||
	    ((errno == EINPROGRESS || errno == EINTR) && finish_connecting(fd, deadline) == 0))
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int connect_by_path(const char *path, int64_t deadline)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	return connect_to((struct sockaddr *)&address, sizeof address, deadline);
}

static int connect_by_name(const char *host, const char *port, int64_t deadline, const char **why)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV}, *all;
	int fd = -1, rc = getaddrinfo(host, port, &hints, &all);
	/* Where only the loopback is up no address counts as configured. */
	if (rc != 0 && rc != EAI_SYSTEM) {
		hints.ai_flags = AI_NUMERICSERV;
		rc = getaddrinfo(host, port, &hints, &all);
	}
	if (rc != 0) {
		*why = gai_strerror(rc);
		return -1;
	}
	for (const struct addrinfo *a = all; fd < 0 && a; a = a->ai_next)
		fd = connect_to(a->ai_addr, a->ai_addrlen, deadline);
	int saved = errno;
	freeaddrinfo(all);
	errno = saved;
	return fd;
}

int channel_connect(struct channel *s, const struct channel_target *to, int64_t deadline, dpc_error *err)
{
	const char *why = NULL;
	*s = CHANNEL_NONE;
	s->fd = to->path ? connect_by_path(to->path, deadline) : connect_by_name(to->host, to->port, deadline, &why);
	if (s->fd < 0)
		return dpc__fail(err, DPC_E_IO, "cannot connect: %s", why ? why : strerror(errno));
	int rc = to->tls ? tls_begin(&s->tls, s->fd, to->host, to->ca, err) : DPC_OK;
	if (rc != DPC_OK)
		channel_close(s);
	return rc;
}

void channel_close(struct channel *s)
{
	if (s->tls)
		tls_end(s->tls);
	if (s->fd >= 0)
		close(s->fd);
	*s = CHANNEL_NONE;
}

/* --- sending and receiving --- */

/* As tls_read and tls_write. */
static ssize_t read_some(struct channel *s, void *data, size_t size, short *events, dpc_error *err)
{
	if (s->tls)
		return tls_read(s->tls, data, size, events, err);
	ssize_t n = recv(s->fd, data, size, 0);
	*events = n < 0 && (errno == EAGAIN || errno == EINTR) ? POLLIN : 0;
	if (n < 0 && !*events)
		dpc__fail_errno(err, "cannot read from the server");
	return n;
}

static ssize_t write_some(struct channel *s, const void *data, size_t size, short *events, dpc_error *err)
{
	if (s->tls)
		return tls_write(s->tls, data, size, events, err);
	ssize_t n = send(s->fd, data, size, MSG_NOSIGNAL);
	*events = n < 0 && (errno == EAGAIN || errno == EINTR) ? POLLOUT : 0;
	if (n < 0 && !*events)
		dpc__fail_errno(err, "cannot write to the server");
	return n;
}

int channel_send(struct channel *s, const void *data, size_t size, int64_t deadline, dpc_error *err)
{
	const char *at = data;
	while (size) {
		short events;
		ssize_t n = write_some(s, at, size, &events, err);
		if (n > 0) {
			at += n;
			size -= (size_t)n;
			continue;
		}
		if (!events)
			return n < 0 ? DPC_E_IO : dpc__fail(err, DPC_E_IO, "the server closed the connection");
		int ready = await(s->fd, events, deadline);
		if (ready <= 0)
			return dpc__fail(err, DPC_E_IO, "the server takes nothing more");
	}
	return DPC_OK;
}

int channel_receive(size_t *got, struct channel *s, void *data, size_t size, int64_t deadline, dpc_error *err)
{
	for (;;) {
		short events;
		ssize_t n = read_some(s, data, size, &events, err);
		*got = n > 0 ? (size_t)n : 0;
		if (n > 0)
			return DPC_OK;
		if (n == 0)
			return dpc__fail(err, DPC_E_IO, "the server closed the connection");
		if (!events)
			return DPC_E_IO;
		int ready = await(s->fd, events, deadline);
		if (ready == 0)
			return DPC_MISS;
		if (ready < 0)
			return dpc__fail_errno(err, "cannot wait for the server");
	}
}

bool channel_is_quiet(const struct channel *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	return s->fd >= 0 && poll(&p, 1, 0) == 0;
}
