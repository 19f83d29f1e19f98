#include "serve.h"

#include "events.h"
#include "replay.h"
#include "report.h"
#include "stdin.h"

int serve_answer(const struct run_options *o, const struct ask *a, const struct answer *found,
                 enum meeting how, uint64_t *events)
{
	dpc_error err = {0};
	int status = capsule_exit_status(found->capsule.status);
	int64_t saved = how == MEET_HIT ? found->capsule.cost : 0;
	struct decision d = {
	    .status = how == MEET_HIT ? "hit" : "follow",
	    .ask = a,
	    .answer = found,
	    .exit_status = status,
	    .age = how == MEET_HIT ? found->age : 0,
	    .saved = saved,
	};
	*events = events_append(a->home, how == MEET_HIT ? EVENT_HIT : EVENT_FOLLOW, &found->capsule.key, saved);
	if (o->use_stdin)
		stdin_consume();
	if (replay_frames(&found->frames, 1, 2, &err) != DPC_OK) {
		report_error("%s", err.message);
		status = d.exit_status = 125;
	}
	report_decision(o, &d);
	return status;
}
