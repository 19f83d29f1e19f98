#include "serve.h"

#include "events.h"
#include "replay.h"
#include "report.h"
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

int serve_answer(const struct run_options *o, const struct ask *a, const struct answer *found,
                 enum meeting how, uint64_t *events)
{
	dpc_error err = {0};
	int status = capsule_exit_status(found->capsule.status);
	int64_t saved = how == MEET_FOLLOWED ? 0 : found->capsule.cost;
	struct decision d = {
	    .status = words_for[how].status,
	    .reason = how == MEET_STALE || how == MEET_REFRESH ? lookup_verdict_name(a->verdict) : NULL,
	    .ask = a,
	    .answer = found,
	    .exit_status = status,
	    .age = how == MEET_FOLLOWED ? 0 : found->age,
	    .saved = saved,
	};
	*events = events_append(a->home, words_for[how].event, &found->capsule.key, saved);
	if (o->use_stdin)
		stdin_consume();
	if (replay_frames(&found->frames, 1, 2, &err) != DPC_OK) {
		report_error("%s", err.message);
		status = d.exit_status = 125;
	}
	report_decision(o, &d);
	return status;
}
