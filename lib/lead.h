/* The leader's part: run the command, record it, keep it, tell the followers. */
#ifndef DPC_LEAD_H
#define DPC_LEAD_H

#include "ask.h"
#include "capture.h"
#include "lease.h"
#include "trace.h"

enum kept {
	KEPT,            /* stored */
	KEPT_NOT_ASKED,  /* --no-write */
	KEPT_FAILURE,    /* an exit not worth keeping, or not in place of a good result */
	KEPT_TOO_LARGE,
	KEPT_VOIDED,     /* invalidated while it ran */
	KEPT_NO_OUTPUT,  /* a declared output is missing */
	KEPT_ODD_OUTPUT, /* … or none that can be kept */
	KEPT_CHANGED,    /* an input changed while it ran */
	KEPT_UNTRACED,   /* what it depends on is not known; see lead.why */
	KEPT_INTERRUPTED, /* by a signal to us, or --max-run */
	KEPT_ERROR       /* the cache failed; see the error */
};

/* Was it a run that says nothing of the question but that its source fails? */
bool kept_is_failure(enum kept kept, const struct captured *result);

struct lead {
	struct ask *ask;      /* observed */
	struct capture *capture; /* command set; recorder is ours */
	int lock;             /* held in LOCK_EX, taken over; -1: run without one */
	const struct answer *old; /* a result that a failure must not replace; NULL: none */
	int64_t expected;     /* how long it ran the last time, ns; 0: unknown */
	struct lease *lease;  /* of the key among machines, renewed while it runs, and ended with it; NULL: none */
	struct trace *trace;  /* begun, and the command's environment is as it wants; NULL: not traced */
	struct trace_outcome outcome; /* private: what the trace came to */
	bool hold;            /* show nothing before it has ended well: `old` would be shown instead */
	bool passed_limit;    /* out: more than max_output; kept for those who wait, and only them */
	enum kept kept;       /* out */
	dpc_error why;        /* out: of a traced run that is not kept, or code 0 */
	struct digest key;    /* out: the run's, as of the start */
};

/* Run. DPC_OK when the command ran, or result->exec_errno says why not; `cache_err`
 * then has what kept the result from being stored, if anything went wrong.
 * Other returns: nothing was run. */
int lead_run(struct captured *result, struct lead *l, dpc_error *cache_err, dpc_error *err);

#endif
