/* Runs the command, passing its output on as it comes and handing a copy to a
 * recorder. Constant memory; neither stream waits for the other's reader. */
#ifndef DPC_CAPTURE_H
#define DPC_CAPTURE_H

#include "laggard.h"
#include "recorder.h"
#include "resume.h"
#include "spawn.h"

struct capture {
	struct spawn command;       /* in is set by the caller; out and err are ours */
	bool merged;                /* stdout and stderr are one open file: one pipe, exact order */
	struct recorder *recorder;  /* NULL: only pass on */
	int64_t max_run;            /* ns; 0: no limit */
	struct resume *given;       /* leave out what another run's output began with; NULL: nothing */
	bool hold;                  /* record only, pass nothing on; may be ended while it runs */
	/* The recorder refuses more, and why. true: it has been made to take it, and is
	 * to be asked again; false: go on without it. */
	bool (*refused)(void *context, const dpc_error *why);
	void *context;
	/* Called now and then, when the time that it returned last (clock_mono_ns) has come; must
	 * not wait for anything. NULL: not. */
	int64_t (*tick)(void *context);
	void *tick_context;
	struct laggard laggards[2]; /* private, by relay: readers that were too slow to be waited for */
};

struct captured {
	int exec_errno;   /* not 0: the command could not be executed; nothing else is set */
	int status;       /* raw wait status */
	int64_t cost;     /* ns from start to end */
	bool recorded;    /* the recorder took everything */
	bool ended_by_max_run;
	int signal;       /* we were asked to end by it, and passed it on: the one that the
	                   * command died of, else the last; 0: no */
	pid_t keeper;     /* a process on its way out, to be waited for; 0: none */
	dpc_error record_error; /* why not recorded */
	dpc_error output_error; /* code not 0: our own stdout or stderr failed */
};

/* DPC_OK when the command was started (or exec_errno says why not); DPC_E_IO
 * when there could be no pipe or process. While it runs, INT, TERM, HUP and
 * QUIT sent to us go to the command. */
int capture_run(struct captured *result, struct capture *c, dpc_error *err);

/* Wait for readers that were too slow: all that was recorded has gone out then; or,
 * when we were asked to end, what they took at once. To be called after capture_run with a recorder, before its file is changed or
 * closed; not before others may have the result. */
void capture_finish(struct captured *result, struct capture *c);

#endif
