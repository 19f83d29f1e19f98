/* The records of sockets: who speaks to the network or to another process. */
#ifndef DPC_SHIM_NET_H
#define DPC_SHIM_NET_H

#include <sys/socket.h>

/* A socket was connected, bound, written to: `rc` below 0: not, for errno. */
void net_log_connect(const struct sockaddr *address, socklen_t size, int rc);
void net_log_bind(const struct sockaddr *address, socklen_t size, int rc);

#endif
