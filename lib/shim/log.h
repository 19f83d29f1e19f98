/* The shim's end of the wire (wire.h): records for the log of the traced run.
 *
 * Everything here may be called in any thread, in signal handlers, behind fork and
 * in a vfork child; it takes no lock, allocates nothing and keeps errno. Where there
 * is no log, it does nothing. */
#ifndef DPC_SHIM_LOG_H
#define DPC_SHIM_LOG_H

#include "wire.h"

#include <stdbool.h>

extern bool log_begun, log_live;
extern struct wire_head *log_head;

/* Finds and maps the log, greets, and takes what made this process a traced one out
 * of its environment. Called by the shim's constructor, or by whoever comes first. */
void log_begin(void);

/* Is there a log? */
static inline bool log_on(void)
{
	if (__builtin_expect(!log_begun, 0))
		log_begin();
	return log_live;
}

/* Say `why` not to cache, and be as if there were no log from now on: where no more may
 * be asked of the kernel than the program itself does. */
void log_end(const char *why);

/* The log's name, as it stands in WIRE_VARIABLE. */
const char *log_name(void);

/* Take WIRE_VARIABLE and the shim's part of LD_PRELOAD out of an environment, in place.
 * The former's value; NULL: it was not there, and nothing was done. */
const char *log_take_variables(char **envp);

/* What was done with `path`, which the kernel has read: relative to the directory
 * that is open as `dir`, or AT_FDCWD. `rc` below 0 means that it failed for errno. */
void log_path(enum wire_kind kind, unsigned detail, int dir, const char *path, long rc);

/* The same with the error at hand; 0: none. */
void log_outcome(enum wire_kind kind, unsigned detail, int dir, const char *path, int error);

/* What was done with the file that is open as `fd`, if it has a path. */
void log_fd(enum wire_kind kind, unsigned detail, int fd, long rc);

/* Open for reading by rule: the C library reads this file behind our back. Looks whether
 * it is there, unless some process of the run has told of it. */
void log_read_by_rule(const char *path);

/* A record of something else than a path: a variable's name, why not to cache. */
void log_word(enum wire_kind kind, const char *word);

/* A program is about to be executed, and was not; counts. Only where there is a log,
 * and never left out, however often it is the same. The record, for who knows only
 * afterwards whose pid it is to have; NULL: there was no room. */
struct wire_record *log_exec(enum wire_exec detail, int dir, const char *path);
void log_exec_failed(int error, int dir, const char *path);

/* Set a bit of head.notes. */
void log_note(enum wire_note note);

#endif
