/* A traced run: the log that those who watch it write to (shim/wire.h), and what
 * that comes to: the facts that the result depends on, or why it must not be kept.
 *
 *   trace_begin → trace_dress → start the command → its end → trace_judge →
 *   trace_release */
#ifndef DPC_TRACE_H
#define DPC_TRACE_H

#include "fact.h"
#include "shim/wire.h"
#include "spawn.h"
#include "vigil.h"

struct trace {
	int fd;                 /* the log; -1: none */
	struct wire_head *head; /* mapped, WIRE_SIZE bytes; NULL: none */
	int64_t began;          /* wall clock, ns: what changed before has an earlier change time, what changes
	                         * from now on a later one */
	char log[WIRE_NAME_MAX]; /* the log's name, for others */
	void *room, *more_room; /* what the command is started with; owned */
	struct buf inherited;   /* names, each with NUL, of files that the command finds open for reading */
	int pipe;               /* a descriptor that the command finds open, and what comes from it nobody knows; 0: none */
	const char *blind;      /* the command itself, where it cannot be watched; borrowed */
	struct vigil vigil;     /* with makes_files: over the directories that it makes them in */
};

#define TRACE_NONE ((struct trace){.fd = -1, .vigil = VIGIL_NONE})

/* Make the log and find what watches, in `directory`. `makes_files`: the run is one for
 * files that are kept with its result. DPC_E_NOTFOUND where the shim
 * is not there; DPC_E_IO. Waits until the file systems' clock has moved on: not at all
 * where the kernel can be made to, else a few milliseconds. */
int trace_begin(struct trace *t, const char *directory, bool strict, bool makes_files, dpc_error *err);

/* Change what is to be started so that it is watched: by the shim in its environment,
 * or the watcher in front of it. What it points to then lives as long as the trace.
 * One trace at a time in a process. DPC_E_MEMORY. */
int trace_dress(struct trace *t, struct spawn *command, dpc_error *err);

/* The directory that our own program lies in; false when that cannot be told. */
bool trace_directory(char *out, size_t size);

/* All but the log's mapping, which lasts as long as the process. */
void trace_release(struct trace *t);

/* What is no input though it was read; everything borrowed. */
struct trace_rules {
	const char *home;          /* the cache's own directory */
	const char *const *ignore; /* globs of absolute paths */
	size_t ignore_count;
	const char *const *outputs; /* specs (output.h) of what is kept with the result */
	size_t output_count;
	bool anywhere;             /* the working directory does not matter: paths below it count from there */
	bool auto_outputs;         /* so is all that the run made below the working directory */
};

/* What a trace comes to: zero-initialise, release with trace_outcome_release. */
struct trace_outcome {
	struct observations *facts; /* the caller's, empty: all that it depended on, as it still is */
	struct buf outputs;         /* with auto_outputs: what it made and left, each with NUL */
};

void trace_outcome_release(struct trace_outcome *o);

/* Once the command is over. DPC_MISS with the reason in `why` when the result must not
 * be kept; DPC_E_CONFLICT when that is because something changed meanwhile.
 * DPC_E_MEMORY. */
int trace_judge(struct trace_outcome *outcome, struct trace *t, const struct trace_rules *rules,
                const struct looker *look, dpc_error *why);

/* enum wire_note, as bits. */
uint32_t trace_notes(const struct trace *t);

#endif
