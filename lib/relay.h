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
	char *data;     /* ours */
	size_t size, sent;
	size_t fresh;   /* where in data begins what came last */
	bool held;      /* nothing goes on, and what comes is put behind what is there */
	uint64_t passed; /* bytes that `to` has taken in all … */
	int64_t moved;   /* … and when the last of them, or when they came; clock_mono_ns */
	int sink_errno; /* `to` takes no more, and why; input is still read */
	bool careful;   /* `to` may block: small writes, only when poll says so */
};

enum {
	RELAY_BUFFER = 65536,
	RELAY_HELD = 8 << 20 /* bytes, at most, that wait to be let go */
};

#define RELAY_NONE ((struct relay){.from = -1, .to = -1})

/* Takes `from` over. false when out of memory. */
bool relay_init(struct relay *y, int from, int to);
void relay_release(struct relay *y);
/* Read no more. */
void relay_close(struct relay *y);

/* Hold back what is buffered and what comes, until relay_let_go. false when out of
 * memory. Whoever fills it sees to it that it does not become more than RELAY_HELD. */
bool relay_hold(struct relay *y);
void relay_let_go(struct relay *y);

/* What to poll for: input when the buffer is empty, or held; else room. */
void relay_poll(const struct relay *y, struct pollfd *p);
bool relay_wants_input(const struct relay *y);

/* Is nothing left to be read or passed on, ever? */
bool relay_is_idle(const struct relay *y);

/* Read once; closes at end of file. true when there may be data now, from `fresh`. */
bool relay_fill(struct relay *y);

/* Forget what is buffered. */
void relay_drop(struct relay *y);

/* Pass on what is buffered: when `blocking`, all of it, unless a signal comes or
 * `to` is a non-blocking descriptor; else what surely does not block. What is left
 * wants to be polled for. */
void relay_drain(struct relay *y, bool blocking);

#endif
