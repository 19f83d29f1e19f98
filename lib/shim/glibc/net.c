#include "net.h"

#include "find.h"
#include "hidden.h"

SHIM int __connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int rc = REAL(__connect)(fd, address, size);
	net_log_connect(address, size, rc);
	return rc;
}

SHIM int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	int n = REAL(sendmmsg)(fd, messages, count, flags);
	for (int i = 0; i < n; i++)
		net_log_connect(messages[i].msg_hdr.msg_name, messages[i].msg_hdr.msg_namelen, 0);
	return n;
}
