/* dpcache: answers a hit by itself and follows a leader at work; in any other
 * case, and in any doubt, becomes dpcache-core. Small and static, for starting
 * a program linked with a database costs more than the hit. */
#include "events.h"
#include "handover.h"
#include "meet.h"
#include "options.h"
#include "os.h"
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char CORE[] = "dpcache-core";
static struct write_signals signals_before;
static const char INSTALLED_CORE[] = "../libexec/dpcache/dpcache-core";

static void exec_core_at(const char *directory, size_t size, const char *name, char **argv)
{
	char path[PATH_MAX];
	if (size + strlen(name) + 1 > sizeof path)
		return;
	memcpy(path, directory, size);
	strcpy(path + size, name);
	execv(path, argv);
}

/* The core lies beside us in the build tree, in libexec when installed. */
static int become_core(char **argv)
{
	char self[PATH_MAX];
	os_return_write_signals(&signals_before);
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	size_t size = 0;
	if (n > 0) {
		self[n] = '\0';
		size = (size_t)(strrchr(self, '/') + 1 - self);
		exec_core_at(self, size, INSTALLED_CORE, argv);
		exec_core_at(self, size, CORE, argv);
	}
	execvp(CORE, argv);
	fprintf(stderr, "dpcache: cannot start %s: %s\n", CORE, strerror(errno));
	return 125;
}

/* Let the core inherit the lock: it belongs to the open file, not to us. */
static void hand_over_lock(const struct digest *key, int lock)
{
	char text[64], hex[DIGEST_HEX];
	fcntl(lock, F_SETFD, 0);
	digest_hex(hex, key);
	snprintf(text, sizeof text, "%s%s:%d", HANDOVER_LEAD, hex, lock);
	setenv(HANDOVER, text, 1);
}

/* Nobody runs a miss to count the hits: have it done behind our back, with
 * nothing of ours held open. */
static void count_events(void)
{
	static char *const words[] = {(char *)CORE, (char *)"stats", NULL};
	if (fork() != 0)
		return;
	setsid();
	for (int fd = 0; fd <= 2; fd++)
		close(fd);
	os_fill_standard_fds();
	for (int fd = 0; fd <= 2; fd++)
		fcntl(fd, F_SETFD, 0);
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	_exit(become_core((char **)words));
}

static int give(const struct run_options *o, const struct ask *ask, const struct answer *found,
                enum meeting how)
{
	uint64_t events;
	int status = serve_answer(o, ask, found, how, &events);
	if (events > EVENTS_ENOUGH)
		count_events();
	return status;
}

/* -1: the core has to look into it. */
static int meet(struct run_options *o, struct ask *ask)
{
	struct meet m = {.ask = ask, .lock = -1, .answer = ANSWER_NONE};
	enum meeting how;
	int status = -1;
	if (meet_callers(&how, &m, NULL) != DPC_OK)
		return -1;
	switch (how) {
	case MEET_HIT:
	case MEET_FOLLOWED:
		status = give(o, ask, &m.answer, how);
		break;
	case MEET_LEAD:
		hand_over_lock(&m.lock_key, m.lock);
		break;
	case MEET_ALONE:
		setenv(HANDOVER, HANDOVER_ALONE, 1);
		break;
	case MEET_TIMED_OUT:
		setenv(HANDOVER, HANDOVER_TIMED_OUT, 1);
		break;
	case MEET_STORE:
	case MEET_NESTED:
		break;
	}
	answer_release(&m.answer);
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
	    home_locate(h.path, o.store, NULL, NULL) == DPC_OK && home_open(&h, h.path, NULL) == DPC_OK &&
	    options_settle(&o, &h, NULL) == DPC_OK && !o.exe_errno)
		status = ask_for_it(&o, &h);
	options_release(&o);
	return status;
}

int main(int argc, char **argv)
{
	unsigned closed = os_fill_standard_fds();
	int status = -1;
	os_hold_write_signals(&signals_before);
	if (argc > 1 && strcmp(argv[1], "run") == 0 && !(closed & 6))
		status = run(argv, closed);
	return status >= 0 ? status : become_core(argv);
}
