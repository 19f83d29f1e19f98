/* The error object: filled where a thing fails, given context on the way up,
 * printed only by cmd/. Leaf room: knows nothing of caching. */
#ifndef DPC_ERR_H
#define DPC_ERR_H

#include "dpcache.h"

/* A code that never leaves the library: what was given already and what comes
 * now contradict each other. */
enum { DPC_E_CONFLICT = -100 };

/* Set code and message; returns code, so that a caller can `return` it.
 * err may be NULL. */
int dpc__fail(dpc_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with ": " and the text of the current errno appended; the code is
 * DPC_E_IO. */
int dpc__fail_errno(dpc_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put "context: " in front of the message already there. Returns its code. */
int dpc__context(dpc_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
