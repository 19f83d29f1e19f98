/* TLS on a connected, non-blocking socket, by OpenSSL. The server's certificate must
 * lead to a known one and be of the host that was asked for. */
#ifndef DPC_TLS_H
#define DPC_TLS_H

#include "err.h"

#include <stddef.h>
#include <sys/types.h>

struct tls;

/* `ca` NULL: the system's certificates. Nothing is sent yet: the first write shakes
 * hands. DPC_E_IO, DPC_E_MEMORY. */
int tls_begin(struct tls **out, int fd, const char *host, const char *ca, dpc_error *err);
void tls_end(struct tls *t);

/* As read and write: how many bytes, 0 at the end, or -1: then *events is what poll is to
 * wait for, or 0 with *err filled when it failed. */
ssize_t tls_read(struct tls *t, void *data, size_t size, short *events, dpc_error *err);
ssize_t tls_write(struct tls *t, const void *data, size_t size, short *events, dpc_error *err);

#endif
