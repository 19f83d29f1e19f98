/* What one run of the worker prints, and how it ends. All of it follows from the
 * run's id and its key, so that whoever has an output can tell byte for byte
 * whether it is that of one run, of the right key, and whole. */
#ifndef FAULT_SAID_H
#define FAULT_SAID_H

#include <stddef.h>
#include <stdint.h>

enum { SAID_STREAMS = 2, SAID_MAX_OUTPUT = 64 << 10 /* of the keys that have a --max-output */ };

/* The keys, by what their commands are like. */
enum said_kind {
	SAID_SMALL,    /* fits into the database and on the shelf */
	SAID_LARGE,    /* mostly a file of its own */
	SAID_FAILING,  /* often ends with a failure */
	SAID_QUESTION, /* asked for by its words instead of by --key; any size */
	SAID_OVER,     /* often more than --max-output, and then run by each caller */
	SAID_KINDS
};
extern const char *const said_names[SAID_KINDS];

/* The kind of this name, or -1. */
int said_kind_of(const char *name);

/* Bytes on stream 0 (stdout) or 1 (stderr); never 0. */
size_t said_size(uint64_t id, enum said_kind kind, int stream);
int said_status(uint64_t id, enum said_kind kind);

/* How long the run dawdles in all, in ns. */
int64_t said_nap(uint64_t id, enum said_kind kind);

/* The output's `size` bytes from its start. It begins with the id, SAID_ID hexadecimal
 * digits. */
enum { SAID_ID = 16 };
void said_fill(char *out, size_t size, uint64_t id, enum said_kind kind, int stream);

/* The next number of a sequence; well mixed. */
uint64_t said_random(uint64_t *state);

#endif
