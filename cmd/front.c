/* dpcache: answers a hit by itself and follows a leader at work; in any other
 * case, and in any doubt, becomes dpcache-core. Small and static, for starting
 * a program linked with a database costs more than the hit. */
#include "become.h"
#include "events.h"
#include "handover.h"
#include "onlook.h"
#include "refresh.h"
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct write_signals signals_before;
static char **words;

static int go_to_core(char *const *argv)
{
	os_return_write_signals(&signals_before);
	return become_core(argv);
}

/* Nobody runs a miss to count the hits: have it done behind our back. */
static int count_events(void *context)
{
	static char *const count[] = {(char *)"dpcache-core", (char *)"stats", NULL};
	static const int none[2] = {-1, -1};
	(void)context;
	become_detached(false, 0, none);
	_exit(go_to_core(count));
}

/* SERVE_REFUSED: the core will find the same, and see to it. */
static int give(const struct run_options *o, const struct meet *m, const struct answer *found,
                enum meeting how)
{
	uint64_t events = 0;
	dpc_error err = {0};
	int status = how == MEET_SHOWN ? serve_shown(o, m, &events)
	                               : serve_answer(o, m, found, how, &events, &err);
	if (events > EVENTS_ENOUGH)
		become_another(status, count_events, NULL);
	return status;
}

/* The old answer serves; and somebody has to see to a new one. */
static int give_and_refresh(const struct run_options *o, struct meet *m)
{
	bool foreground = refresh_is_foreground(o);
	if (foreground && meet_take_refresh(m)) {
		handover_refresh(m, false, o->question.merged);
		return -1;
	}
	int status = give(o, m, &m->answer, MEET_REFRESH);
	if (!foreground && status != SERVE_REFUSED)
		refresh_behind(status, o, m, words, &signals_before);
	return status;
}

static int give_up_waiting(const struct run_options *o, struct meet *m)
{
	int status = -1;
	if (o->on_timeout == ON_TIMEOUT_STALE && m->old.bytes.data)
		status = give(o, m, &m->old, MEET_STALE);
	if (status < 0)
		handover_say(HANDOVER_TIMED_OUT);
	return status;
}

/* -1: the core has to look into it. */
static int meet(struct run_options *o, struct ask *ask)
{
	/* Not on the stack: fewer pages to touch. */
	static struct onlook look;
	struct meet m = MEET_OF(ask, NULL);
	enum meeting how;
	dpc_error err = {0};
	int status = -1;
	onlook_begin(&look, o, &m);
	int rc = meet_callers(&how, &m, &err);
	onlook_end(&look);
	if (rc != DPC_OK)
		return meet_has_shown(&m) ? serve_broken_off(o, &m, &err) : -1;
	switch (how) {
	case MEET_HIT:
	case MEET_STALE:
	case MEET_SHOWN:
	case MEET_FOLLOWED:
		status = give(o, &m, &m.answer, how);
		break;
	case MEET_REFRESH:
		status = give_and_refresh(o, &m);
		break;
	case MEET_LEAD:
		handover_lead(&m);
		break;
	case MEET_ALONE:
		handover_say(HANDOVER_ALONE);
		break;
	case MEET_TIMED_OUT:
		status = give_up_waiting(o, &m);
		break;
	case MEET_STORE:
	case MEET_NESTED:
		break;
	}
	if (status < 0 && meet_has_shown(&m))
		handover_shown(&m.live->given);
	meet_release(&m);
	return status;
}

static int ask_for_it(struct run_options *o, const struct home *h)
{
	struct ask ask;
	int status = -1;
	if (ask_init(&ask, h, &o->policy, &o->question, o->exe[0] && !o->no_exe ? o->exe : NULL, NULL) == DPC_OK)
		status = meet(o, &ask);
	ask_release(&ask);
	return status;
}

static int run(char **argv, unsigned closed)
{
	/* Not on the stack: fewer pages to touch. */
	static struct run_options o;
	static struct home h;
	int status = -1;
	if (options_parse(&o, run_opts, argv + 2, NULL) == DPC_OK && !o.help && !o.no_cache && !(o.use_stdin && (closed & 1)) &&
	    home_locate(&h, o.store, NULL, NULL) == DPC_OK && home_open(&h, NULL) == DPC_OK &&
	    options_settle(&o, &h, NULL) == DPC_OK && !o.exe_errno)
		status = ask_for_it(&o, &h);
	options_release(&o);
	return status;
}

int main(int argc, char **argv)
{
	unsigned closed = os_fill_standard_fds();
	int status = -1;
	words = argv;
	os_hold_write_signals(&signals_before);
	if (argc > 1 && strcmp(argv[1], "run") == 0 && !(closed & 6))
		status = run(argv, closed);
	return status >= 0 ? status : go_to_core(argv);
}
