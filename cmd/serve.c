#include "serve.h"

#include "events.h"
#include "replay.h"
#include "report.h"
#include "restore.h"
#include "stdin.h"

static const struct {
	const char *status;
	enum event event;
} words_for[] = {
    [MEET_HIT] = {"hit", EVENT_HIT},
    [MEET_STALE] = {"stale", EVENT_STALE},
    [MEET_REFRESH] = {"stale", EVENT_STALE},
    [MEET_FOLLOWED] = {"follow", EVENT_FOLLOW},
};

static int replay(const struct meet *m, const struct answer *found, dpc_error *err)
{
	return replay_frames(&found->frames, meet_has_shown(m) ? &m->live->given : NULL, 1, 2, err);
}

int serve_conflict(const dpc_error *err)
{
	report_error("%s", err->message);
	return 125;
}

int serve_broken_off(const struct run_options *o, const struct meet *m, const dpc_error *err)
{
	int status = serve_conflict(err);
	struct decision d = {.status = "follow", .reason = err->message, .ask = m->ask, .exit_status = status};
	report_decision(o, &d);
	return status;
}

/* The key says in which directory it was, but for one that leaves that out. */
static bool is_of_this_directory(const struct question *q)
{
	return !q->no_cwd && !q->name.data;
}

/* A run that is waited for may have none to give: it failed, or they cannot be kept.
 * Then they are what it left of them, for who is where it was. */
static int put_outputs_back(const struct run_options *o, const struct meet *m, const struct answer *found,
                            dpc_error *err)
{
	const struct capsule *c = &found->capsule;
	if (!question_has_outputs(&o->question))
		return DPC_OK;
	if (c->flags & CAPSULE_FILES)
		return restore_outputs(c, &found->frames, &m->ask->digests, err);
	bool good = exit_set_has(&o->policy.cache_exit, capsule_exit_status(c->status));
	return !good || is_of_this_directory(&o->question)
	           ? DPC_OK
	           : dpc__fail(err, DPC_E_NOTFOUND, "its outputs were not kept");
}

int serve_answer(const struct run_options *o, const struct meet *m, const struct answer *found,
                 enum meeting how, uint64_t *events, dpc_error *err)
{
	const struct ask *a = m->ask;
	if (put_outputs_back(o, m, found, err) != DPC_OK)
		return SERVE_REFUSED;
	int status = capsule_exit_status(found->capsule.status);
	int64_t saved = how == MEET_FOLLOWED ? 0 : found->capsule.cost;
	bool old = how == MEET_STALE || how == MEET_REFRESH;
	const char *reason = old ? lookup_verdict_name(a->verdict) : NULL;
	/* Refreshed ahead of its expiry, it is as good as any. */
	if (old && a->verdict <= VERDICT_EARLY)
		how = MEET_HIT;
	struct decision d = {
	    .status = words_for[how].status,
	    .reason = reason,
	    .ask = a,
	    .answer = found,
	    .exit_status = status,
	    .age = how == MEET_FOLLOWED ? 0 : found->age,
	    .saved = saved,
	};
	*events = events_append(a->home, words_for[how].event, &found->capsule.key, saved);
	if (o->use_stdin)
		stdin_consume();
	if (replay(m, found, err) != DPC_OK) {
		status = d.exit_status = serve_conflict(err);
		d.reason = err->message;
	}
	report_decision(o, &d);
	return status;
}

int serve_shown(const struct run_options *o, const struct meet *m, uint64_t *events)
{
	int status = capsule_exit_status(m->live->head.status);
	struct decision d = {.status = "follow", .ask = m->ask, .exit_status = status};
	*events = events_append(m->ask->home, EVENT_FOLLOW, &m->live->head.key, 0);
	if (o->use_stdin)
		stdin_consume();
	report_decision(o, &d);
	return status;
}
