#include "refresh.h"

#include "become.h"
#include "handover.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool refresh_is_foreground(const struct run_options *o)
{
	const char *ci = getenv("CI");
	if (o->refresh_mode != REFRESH_AUTO)
		return o->refresh_mode == REFRESH_FOREGROUND;
	/* A job's processes end with the job. */
	return ci && *ci && strcmp(ci, "0") != 0 && strcmp(ci, "false") != 0;
}

static bool reads_input(const struct run_options *o)
{
	return o->use_stdin || (o->inputs_from && strcmp(o->inputs_from, "-") == 0);
}

struct behind {
	const struct run_options *o;
	struct meet *m;
	char *const *argv;
	const struct write_signals *signals;
};

static int refresh(void *context)
{
	struct behind *b = context;
	const int keep[2] = {b->m->ask->home->fd, b->m->lock >= 0 ? b->m->lock : b->m->claim};
	become_detached(reads_input(b->o), b->o->input_at, keep);
	/* Whoever we become contends with other machines: a lease of ours would be in his way. */
	b->m->contest = NULL;
	if (!meet_take_refresh(b->m))
		_exit(0);
	handover_refresh(b->m, true, b->o->question.merged);
	become_open(b->o->status_fd);
	os_return_write_signals(b->signals);
	_exit(become_core(b->argv));
}

void refresh_behind(int status, const struct run_options *o, struct meet *m, char *const *argv,
                    const struct write_signals *signals)
{
	static struct behind b;
	b = (struct behind){o, m, argv, signals};
	become_another(status, refresh, &b);
}
