#include "net.h"

#include "find.h"

SHIM int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, unsigned flags)
{
	int n = REAL(sendmmsg)(fd, messages, count, flags);
	for (int i = 0; i < n; i++)
		net_log_connect(messages[i].msg_hdr.msg_name, messages[i].msg_hdr.msg_namelen, 0);
	return n;
}
