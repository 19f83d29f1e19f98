#include "net.h"

#include "find.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

/* Did the kernel read the address? */
static bool is_known(const struct sockaddr *address, socklen_t size, int rc)
{
	return log_on() && address && size >= sizeof(sa_family_t) &&
	       !(rc < 0 && (errno == EFAULT || errno == EINVAL));
}

static bool is_internet(const struct sockaddr *address)
{
	return address->sa_family == AF_INET || address->sa_family == AF_INET6;
}

static void log_used_network(void)
{
	log_word(WIRE_UNCACHEABLE, "used the network");
}

/* A socket's file. Those without one are gone with their process. */
static void log_socket(enum wire_kind kind, const struct sockaddr *address, socklen_t size, int rc)
{
	char path[sizeof(struct sockaddr_un)] = "";
	size_t start = offsetof(struct sockaddr_un, sun_path);
	if (address->sa_family != AF_UNIX || size <= start || size > sizeof(struct sockaddr_un))
		return;
	memcpy(path, (const char *)address + start, size - start);
	log_path(kind, 0, AT_FDCWD, path, rc);
}

void net_log_connect(const struct sockaddr *address, socklen_t size, int rc)
{
	if (!is_known(address, size, rc))
		return;
	if (is_internet(address))
		log_used_network();
	else if (address->sa_family == AF_UNIX && (rc == 0 || errno == EINPROGRESS || errno == EAGAIN))
		log_word(WIRE_UNCACHEABLE, "talked to another process");
	else
		log_socket(WIRE_ACCESS, address, size, rc);
}

void net_log_bind(const struct sockaddr *address, socklen_t size, int rc)
{
	if (!is_known(address, size, rc))
		return;
	if (is_internet(address))
		log_used_network();
	else
		log_socket(WIRE_MAKE, address, size, rc);
}

SHIM int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int rc = REAL(connect)(fd, address, size);
	net_log_connect(address, size, rc);
	return rc;
}

SHIM int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	int rc = REAL(bind)(fd, address, size);
	net_log_bind(address, size, rc);
	return rc;
}

/* It need not have been bound before. */
SHIM int listen(int fd, int backlog)
{
	struct sockaddr_storage own = {0};
	socklen_t size = sizeof own;
	int rc = REAL(listen)(fd, backlog);
	if (rc == 0 && log_on() && getsockname(fd, (struct sockaddr *)&own, &size) == 0 &&
	    is_internet((struct sockaddr *)&own))
		log_used_network();
	return rc;
}

SHIM ssize_t sendto(int fd, const void *data, size_t count, int flags, const struct sockaddr *address,
                    socklen_t size)
{
	ssize_t n = REAL(sendto)(fd, data, count, flags, address, size);
	net_log_connect(address, size, n < 0 ? -1 : 0);
	return n;
}

SHIM ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t n = REAL(sendmsg)(fd, message, flags);
	if (n >= 0)
		net_log_connect(message->msg_name, message->msg_namelen, 0);
	return n;
}
