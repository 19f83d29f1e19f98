/* What the watcher writes into the log of a traced run; wire.h has its format. */
#ifndef DPC_WATCHER_JOURNAL_H
#define DPC_WATCHER_JOURNAL_H

#include "shim/wire.h"

#include <stdbool.h>
#include <sys/types.h>

struct journal {
	struct wire_head *head;
	const char *path; /* the log's own */
};

/* Map the log at `path`, which must live as long as the journal; no descriptor
 * stays open. False: there is none, or it is not one. */
bool journal_open(struct journal *j, const char *path);

/* Write a record, but not one that was written before. What is of the tracing
 * itself, the log and the shim, is left out. Only one thread may write. */
void journal_tell(const struct journal *j, pid_t pid, enum wire_kind kind, int error, uint32_t detail,
                  const char *path);

/* A program is going to be executed (both counts, both records), or one that is
 * counted already has been (`counted`). */
void journal_tell_exec(const struct journal *j, pid_t pid, const char *path, const char *program,
                       bool counted);

/* A program whose executing was counted by who called us runs now. */
void journal_tell_hello(const struct journal *j, pid_t pid, const char *program);

/* Why the result must not be kept. */
void journal_tell_reason(const struct journal *j, pid_t pid, const char *why);

void journal_note(const struct journal *j, enum wire_note note);

#endif
