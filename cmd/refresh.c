#include "refresh.h"

#include "become.h"
#include "handover.h"

#include <fcntl.h>
#include <stdio.h>
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

void refresh_hand_over(const struct run_options *o, const struct meet *m, bool foreground)
{
	char text[128], hex[DIGEST_HEX];
	fcntl(m->lock, F_SETFD, 0);
	digest_hex(hex, &m->lock_key);
	snprintf(text, sizeof text, "%s%s:%d:%lld:%d:%d", HANDOVER_REFRESH, hex, m->lock, (long long)m->refresh_of,
	         !foreground, o->question.merged);
	setenv(HANDOVER, text, 1);
}

static bool reads_input(const struct run_options *o)
{
	return o->use_stdin || (o->inputs_from && strcmp(o->inputs_from, "-") == 0);
}

void refresh_behind(const struct run_options *o, struct meet *m, char *const *argv,
                    const struct write_signals *signals)
{
	bool input = reads_input(o);
	long long at = input ? lseek(0, 0, SEEK_CUR) : 0;
	pid_t pid = fork();
	if (pid < 0) {
		meet_abandon(m);
		return;
	}
	if (pid > 0) {
		/* The lock is the child's now; ours was the same. */
		close(m->lock);
		m->lock = -1;
		return;
	}
	refresh_hand_over(o, m, false);
	become_detached(input, at, m->lock, o->status_fd);
	os_return_write_signals(signals);
	_exit(become_core(argv));
}
