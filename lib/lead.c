#include "lead.h"

#include "backoff.h"
#include "gather.h"
#include "proclocks.h"
#include "replay.h"
#include "scratch.h"
#include "vault.h"

#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int begin_recording(struct recorder *r, const struct lead *l, int fd, dpc_error *err)
{
	const struct ask *a = l->ask;
	struct capsule c = {
	    .key = a->key,
	    .generation = a->home->state.generation,
	    .pid = (uint32_t)getpid(),
	    .started = clock_wall_ns(),
	    .cost = l->expected,
	    .grace = a->policy->max_run,
	    .flags = l->hold ? CAPSULE_HELD : 0,
	};
	struct buf meta = {0};
	ask_describe(&meta, a);
	return recorder_begin(r, &c, &meta, fd, a->policy->max_output, err);
}

/* Were the inputs, when it ended, what they were when it began? A result of
 * inputs that moved belongs to no key. */
static bool inputs_held(struct ask *a)
{
	struct digest before = a->key;
	ask_forget(a);
	return ask_observe(a, NULL) == DPC_OK && memcmp(&before, &a->key, sizeof before) == 0;
}

/* What the run was seen to depend on, into the asking. */
static enum kept judge_trace(struct lead *l)
{
	struct ask *a = l->ask;
	const struct trace_rules rules = {
	    .home = a->home->path,
	    .ignore = a->question->trace_ignore,
	    .ignore_count = a->question->trace_ignore_count,
	    .outputs = a->question->outputs,
	    .output_count = a->question->output_count,
	    .anywhere = a->question->no_cwd || a->question->name.data,
	    .auto_outputs = a->question->auto_outputs,
	};
	const struct looker look = {&a->digests, a->home->state.secret};
	if (!l->trace)
		return KEPT;
	l->outcome.facts = &a->traced;
	int rc = trace_judge(&l->outcome, l->trace, &rules, &look, &l->why);
	return rc == DPC_OK ? KEPT : rc == DPC_E_CONFLICT ? KEPT_CHANGED : KEPT_UNTRACED;
}

static enum kept judge_run(struct lead *l, const struct captured *result)
{
	const struct policy *p = l->ask->policy;
	if (l->passed_limit)
		return KEPT_TOO_LARGE;
	if (!result->recorded)
		return KEPT_ERROR;
	if (result->signal || result->ended_by_max_run)
		return KEPT_INTERRUPTED;
	bool good = exit_set_has(&p->cache_exit, capsule_exit_status(result->status));
	if (!good && (l->old || p->ttl_fail <= 0))
		return KEPT_FAILURE;
	if (p->no_write)
		return KEPT_NOT_ASKED;
	return inputs_held(l->ask) ? judge_trace(l) : KEPT_CHANGED;
}

bool kept_is_failure(enum kept kept, const struct captured *result)
{
	return result->exec_errno || kept == KEPT_FAILURE ||
	       (kept == KEPT_INTERRUPTED && result->ended_by_max_run && !result->signal);
}

/* Tell all who would ask again of the old result that it would be in vain, or is
 * no longer. */
static void note_health(const struct lead *l, const struct captured *result)
{
	bool in_vain = kept_is_failure(l->kept, result) || l->kept == KEPT_TOO_LARGE || l->kept == KEPT_ERROR ||
	               l->kept == KEPT_NO_OUTPUT || l->kept == KEPT_ODD_OUTPUT;
	if (in_vain && l->old)
		backoff_note(l->ask->home, &l->key);
	else if (l->kept == KEPT)
		backoff_clear(l->ask->home, &l->key);
}

/* What was held back, now that it is known to be good. */
static void show(struct captured *result, struct recorder *r)
{
	struct frames f = recorder_frames(r);
	replay_frames(&f, NULL, 1, 2, &result->output_error);
}

/* It is no answer for those who wait: they run it themselves. */
static void withdraw(struct lead *l, struct recorder *r, struct captured *result)
{
	if (l->hold)
		show(result, r);
	l->hold = false;
	capture_finish(result, l->capture);
	recorder_give_up(r, CAPSULE_GIVEN_UP);
}

/* --- what it wrote into files --- */

/* What was declared, and what the trace has found. */
static int gather(const struct lead *l, struct recorder *r, dpc_error *err)
{
	const struct question *q = l->ask->question;
	const struct buf *found = &l->outcome.outputs;
	struct gather g = {0};
	int rc = DPC_OK;
	for (size_t i = 0; rc == DPC_OK && i < q->output_count; i++)
		rc = gather_spec(&g, q->outputs[i], err);
	for (size_t at = 0; rc == DPC_OK && at < found->size; at += strlen((char *)found->data + at) + 1)
		rc = gather_path(&g, (char *)found->data + at, err);
	if (rc == DPC_OK)
		rc = gather_keep(r, &g, err);
	gather_release(&g);
	return rc;
}

static enum kept kept_without(int rc)
{
	switch (rc) {
	case DPC_E_NOTFOUND:
		return KEPT_NO_OUTPUT;
	case DPC_E_USAGE:
		return KEPT_TOO_LARGE;
	case DPC_E_DENIED:
	case DPC_E_CONFLICT:
		return KEPT_ODD_OUTPUT;
	default:
		return KEPT_ERROR;
	}
}

/* A run that failed has none: nobody knows what is in them. Those of one that is not to
 * be kept are for those who wait for it elsewhere. */
static void keep_outputs(struct lead *l, struct recorder *r, const struct captured *result, bool shared,
                         dpc_error *cache_err)
{
	const struct ask *a = l->ask;
	bool good = exit_set_has(&a->policy->cache_exit, capsule_exit_status(result->status));
	if (!question_has_outputs(a->question) || !good || !(l->kept == KEPT || (shared && l->kept == KEPT_NOT_ASKED)))
		return;
	dpc_error err = {0};
	int rc = gather(l, r, &err);
	if (rc == DPC_OK)
		return;
	l->kept = kept_without(rc);
	if (l->kept == KEPT_ERROR)
		*cache_err = err;
}

static void keep(struct lead *l, struct recorder *r, struct captured *result, const struct scratch *s,
                 dpc_error *cache_err)
{
	l->kept = judge_run(l, result);
	if (!result->recorded) {
		if (l->kept == KEPT_ERROR)
			*cache_err = result->record_error;
		return;
	}
	/* Ended by a signal that was meant for us: that is our caller's affair. Left
	 * unfinished, the run is taken over by one of those who wait. */
	if (result->signal)
		return;
	/* Whoever came after the change asks of another state, though by the same key. */
	if (l->trace && l->kept == KEPT_CHANGED) {
		withdraw(l, r, result);
		return;
	}
	r->capsule.status = result->status;
	r->capsule.cost = result->cost;
	r->capsule.ttl = lookup_ttl(l->ask->policy, result->status);
	r->capsule.grace = policy_grace(l->ask->policy);
	r->capsule.flags = result->ended_by_max_run ? CAPSULE_CUT : 0;
	if (l->trace)
		r->capsule.flags |= trace_notes(l->trace) << CAPSULE_NOTES;
	keep_outputs(l, r, result, s->is_lock, cache_err);
	moment_now(&r->capsule.created);
	if (recorder_finish(r, CAPSULE_DONE, cache_err) != DPC_OK) {
		withdraw(l, r, result);
		l->kept = KEPT_ERROR;
		return;
	}
	if (l->kept != KEPT)
		return;
	int rc = vault_commit(l->ask, r, s->name, cache_err);
	l->kept = rc == DPC_OK ? KEPT : rc == DPC_MISS ? KEPT_VOIDED : KEPT_ERROR;
}

struct holding {
	struct lead *lead;
	struct scratch *scratch;
	struct recorder *recorder;
	struct captured *result;
};

/* The output cannot be kept: whoever waits for it runs at once, beside us; what
 * was held back cannot be any longer. */
static void let_go(struct holding *h)
{
	struct lead *l = h->lead;
	if (l->hold) {
		l->hold = l->capture->hold = false;
		show(h->result, h->recorder);
	}
	recorder_give_up(h->recorder, CAPSULE_GIVEN_UP);
	h->recorder->fd = -1;
	scratch_close(h->scratch, l->ask->home, &l->key);
}

/* Does somebody wait for more than may be remembered, and is there room for it? */
static bool is_worth_sharing(const struct holding *h)
{
	struct statvfs v;
	return h->scratch->is_lock && proclocks_waiters(h->recorder->fd) > 0 &&
	       fstatvfs(h->recorder->fd, &v) == 0 && v.f_bavail > v.f_blocks / 10;
}

/* More than may be remembered. Who waits already gets it all the same; whoever
 * comes from now on finds no run to wait for. Looked at again every so often. */
static bool share_the_rest(struct holding *h)
{
	static const uint64_t MORE = UINT64_C(64) << 20;
	struct lead *l = h->lead;
	if (!is_worth_sharing(h))
		return false;
	if (!l->passed_limit)
		lock_unlink(l->ask->home, &l->key, h->recorder->fd);
	l->passed_limit = true;
	h->recorder->limit += MORE;
	return true;
}

static bool refused(void *context, const dpc_error *why)
{
	struct holding *h = context;
	if (why->code == DPC_E_USAGE && share_the_rest(h))
		return true;
	h->lead->passed_limit |= why->code == DPC_E_USAGE;
	let_go(h);
	return false;
}

static int64_t renew(void *context)
{
	return lease_tick(context);
}

int lead_run(struct captured *result, struct lead *l, dpc_error *cache_err, dpc_error *err)
{
	struct scratch s;
	struct recorder r = {.fd = -1};
	struct holding holding = {l, &s, &r, result};
	l->key = l->ask->run;
	if (l->lock >= 0)
		scratch_of_lock(&s, &l->key, l->lock);
	else
		scratch_open(&s, l->ask->home, &l->key);
	if (begin_recording(&r, l, s.fd, cache_err) == DPC_OK) {
		l->capture->hold = l->hold;
		l->capture->recorder = &r;
		l->capture->refused = refused;
		l->capture->context = &holding;
	} else {
		/* With nowhere to record, the command still runs; nobody shall wait for
		 * it in vain. */
		l->hold = false;
		scratch_close(&s, l->ask->home, &l->key);
	}
	if (l->lease && l->lease->held) {
		l->capture->tick = renew;
		l->capture->tick_context = l->lease;
		l->ask->grant = &l->lease->grant;
	}
	int rc = capture_run(result, l->capture, err);
	if (!l->capture->recorder) {
		l->kept = KEPT_ERROR;
	} else if (rc == DPC_OK && !result->exec_errno) {
		keep(l, &r, result, &s, cache_err);
	} else {
		l->kept = KEPT_ERROR;
		recorder_give_up(&r, CAPSULE_GIVEN_UP);
	}
	/* Before those who wait here, for others are to be woken by it. */
	if (l->lease)
		lease_end(l->lease);
	note_health(l, result);
	/* Before what was held back is shown: a slow reader is nobody else's affair. */
	scratch_retire(&s, l->ask->home, &l->key);
	if (l->hold && rc == DPC_OK && !kept_is_failure(l->kept, result))
		show(result, &r);
	capture_finish(result, l->capture);
	scratch_close(&s, l->ask->home, &l->key);
	recorder_release(&r);
	trace_outcome_release(&l->outcome);
	l->capture->recorder = NULL;
	return rc;
}
