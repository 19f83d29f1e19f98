#include "net.h"

#include "find.h"
#include "hidden.h"

SHIM int __connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int rc = REAL(__connect)(fd, address, size);
	net_log_connect(address, size, rc);
	return rc;
}
