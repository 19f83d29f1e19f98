#include "deadlock.h"

#include "lines.h"
#include "lock.h"
#include "meet.h"
#include "proclocks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	RUNS = 128,    /* that a search walks through */
	LOOKED = 400,  /* waiters whose environment it reads */
	RUNNING = 8192 /* of such a variable */
};

/* Backwards from us: the runs that cannot end before we go on, be it that we
 * are inside of them, or that somebody inside waits for one of these. If the
 * run of `key` is found to be one, waiting for it closes a circle.
 *
 * Only runs of larger keys are walked through: then the circle found is one
 * in which ours is the smallest key awaited. */
struct search {
	const struct home *h;
	const struct digest *key;
	struct digest run[RUNS];
	struct proclocks_file lock[RUNS];
	int count, from, to; /* run[from..to) are those whose waiters are looked for */
	int looked;
	bool closed;
};

static bool is_known(const struct search *s, const struct digest *run)
{
	for (int i = 0; i < s->count; i++)
		if (memcmp(&s->run[i], run, sizeof *run) == 0)
			return true;
	return false;
}

static void add_run(struct search *s, const struct digest *run)
{
	int order = memcmp(run, s->key, sizeof *run);
	if (order == 0)
		s->closed = true;
	else if (order > 0 && s->count < RUNS && !is_known(s, run))
		s->run[s->count++] = *run;
}

/* All keys in "KEY:KEY:…". */
static void add_runs(struct search *s, const char *running)
{
	struct digest run;
	while (*running) {
		size_t n = strcspn(running, ":");
		if (n == DIGEST_HEX - 1 && digest_from_hex(&run, running))
			add_run(s, &run);
		running += n + (running[n] == ':');
	}
}

/* The runs that a process is inside of. */
static void add_runs_around(struct search *s, pid_t pid)
{
	struct lines environment;
	char path[32], line[RUNNING];
	size_t n = strlen(MEET_RUNNING);
	snprintf(path, sizeof path, "/proc/%ld/environ", (long)pid);
	if (lines_open(&environment, path, '\0') < 0)
		return;
	while (lines_next(&environment, line, sizeof line))
		if (strncmp(line, MEET_RUNNING, n) == 0 && line[n] == '=')
			add_runs(s, line + n + 1);
	lines_close(&environment);
}

static bool visit(void *context, const struct proclock *l)
{
	struct search *s = context;
	if (!l->waiting || l->pid <= 0)
		return true;
	for (int i = s->from; i < s->to; i++)
		if (proclocks_same(&l->file, &s->lock[i])) {
			add_runs_around(s, l->pid);
			s->looked++;
			break;
		}
	return !s->closed && s->looked < LOOKED;
}

/* A run whose lock cannot be found has nobody waiting for it. */
static void locate(const struct search *s, const struct digest *run, struct proclocks_file *file)
{
	char name[LOCK_NAME];
	*file = (struct proclocks_file){.ino = 0};
	lock_name(name, run);
	int fd = openat(s->h->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (proclocks_locate(file, fd) < 0)
		*file = (struct proclocks_file){.ino = 0};
	close(fd);
}

bool deadlock_would_close(const struct home *h, const struct digest *key)
{
	const char *running = getenv(MEET_RUNNING);
	struct search s = {.h = h, .key = key};
	if (!running || !*running)
		return false;
	add_runs(&s, running);
	while (!s.closed && s.looked < LOOKED && s.from < s.count) {
		s.to = s.count;
		for (int i = s.from; i < s.to; i++)
			locate(&s, &s.run[i], &s.lock[i]);
		if (proclocks_each(visit, &s) < 0)
			break;
		s.from = s.to;
	}
	return s.closed;
}
