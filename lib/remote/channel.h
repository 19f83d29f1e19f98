/* Bytes to and from a server, over TCP, a Unix socket or TLS, each call with a time
 * until which it has to be done. Nothing here raises a signal; descriptors are
 * close-on-exec and out of the command's way.
 *
 *   channel_connect → channel_send, channel_receive … → channel_close
 *
 * After an error a channel is good for nothing but channel_close. One thread at a
 * time. */
#ifndef DPC_CHANNEL_H
#define DPC_CHANNEL_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls;

struct channel {
	int fd;          /* -1: closed */
	struct tls *tls; /* NULL: none */
};

#define CHANNEL_NONE ((struct channel){.fd = -1})

struct channel_target {
	const char *host, *port; /* TCP, or … */
	const char *path;        /* … a Unix socket; the other NULL */
	bool tls;
	const char *ca;          /* file of certificates; NULL: the system's */
};

/* Deadlines are clock_mono_ns. All of the host's addresses are tried. DPC_E_IO. */
int channel_connect(struct channel *s, const struct channel_target *to, int64_t deadline, dpc_error *err);
void channel_close(struct channel *s);

int channel_send(struct channel *s, const void *data, size_t size, int64_t deadline, dpc_error *err);

/* At least one byte, at most `size`; *got says how many. DPC_MISS when none came until
 * the deadline, DPC_E_IO when none will. */
int channel_receive(size_t *got, struct channel *s, void *data, size_t size, int64_t deadline, dpc_error *err);

/* Did the other side hang up, or say what nobody asked for? Looks, without waiting. */
bool channel_is_quiet(const struct channel *s);

#endif
