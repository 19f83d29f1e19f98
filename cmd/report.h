/* What dpcache says of itself: warnings, and the record of each decision. */
#ifndef DPC_REPORT_H
#define DPC_REPORT_H

#include "options.h"

/* One line on stderr, "dpcache: …", control characters made harmless. The
 * first in a process only: one cause is told once. */
void report_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for what ends the command; always told. */
void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct decision {
	const char *status;  /* hit, miss, follow, bypass, … */
	const char *reason;  /* in words, or NULL */
	const struct ask *ask; /* NULL: never came to be asked */
	const struct answer *answer; /* NULL: none was replayed */
	int exit_status;     /* -1: not known, the command is yet to run */
	int64_t age, saved;  /* ns */
};

/* To --status-fd, DPCACHE_STATUS_FILE, DPCACHE_LOG and, with -v, stderr. */
void report_decision(const struct run_options *o, const struct decision *d);

/* The exit status for an exec that failed with this errno. */
int report_exec_failure(const struct run_options *o, int error);

#endif
