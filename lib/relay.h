/* One stream on its way: a pipe from the command, a bounded buffer, and the
 * stream it goes on to. */
#ifndef DPC_RELAY_H
#define DPC_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct relay {
	int from, to;   /* from: -1 once closed */
	char *data;     /* RELAY_BUFFER bytes, ours */
	size_t size, sent;
	uint64_t passed; /* bytes that `to` has taken in all … */
	int64_t moved;   /* … and when the last of them, or when they came; clock_mono_ns */
	int sink_errno; /* `to` takes no more, and why; input is still read */
	bool careful;   /* `to` may block: small writes, only when poll says so */
};

enum { RELAY_BUFFER = 65536 };

#define RELAY_NONE ((struct relay){.from = -1, .to = -1})

/* Takes `from` over. false when out of memory. */
bool relay_init(struct relay *y, int from, int to);
void relay_release(struct relay *y);
/* Read no more. */
void relay_close(struct relay *y);

/* What to poll for: input when the buffer is empty, else room. */
void relay_poll(const struct relay *y, struct pollfd *p);
bool relay_wants_input(const struct relay *y);

/* Read once into the empty buffer; closes at end of file. true when there may
 * be data now. */
bool relay_fill(struct relay *y);

/* Forget what is buffered. */
void relay_drop(struct relay *y);

/* Pass on what is buffered: when `blocking`, all of it, unless a signal comes or
 * `to` is a non-blocking descriptor; else what surely does not block. What is left
 * wants to be polled for. */
void relay_drain(struct relay *y, bool blocking);

#endif
