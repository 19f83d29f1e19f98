#include "history.h"

#include "chaos.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A list of pointers, so that a run stays where it is. */
static struct run **runs;
static size_t count, room;
static FILE *log_file;
static history_run_fn *on_start;
static history_overlap_fn *on_overlap;

void history_open(const char *path, history_run_fn *begun, history_overlap_fn *overlap)
{
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	log_file = fd < 0 ? NULL : fdopen(fd, "re");
	if (!log_file)
		die(path);
	on_start = begun;
	on_overlap = overlap;
}

static struct run *add(void)
{
	if (count == room) {
		room = room ? 2 * room : 1024;
		runs = realloc(runs, room * sizeof(struct run *));
		if (!runs)
			die("memory");
	}
	return runs[count++] = allocate(1, sizeof **runs);
}

/* Most are asked for soon after they were. */
struct run *history_find(uint64_t id)
{
	for (size_t i = count; i-- > 0;)
		if (runs[i]->id == id)
			return runs[i];
	return NULL;
}

static struct run *find_by_pid(pid_t pid)
{
	for (size_t i = count; i-- > 0;)
		if (runs[i]->pid == pid)
			return runs[i];
	return NULL;
}

static bool take_start(const char *line)
{
	struct run r = {.leader = -1};
	char name[16];
	if (sscanf(line, "S %" SCNx64 " %15s %d %d %d %" SCNd64, &r.id, name, &r.pid, &r.above[0], &r.above[1],
	           &r.began) != 6 ||
	    said_kind_of(name) < 0)
		return false;
	r.kind = (enum said_kind)said_kind_of(name);
	struct run *kept = add();
	*kept = r;
	on_start(kept);
	return true;
}

static bool take_overlap(const char *line)
{
	uint64_t id;
	pid_t pid;
	struct overlap o;
	if (sscanf(line, "O %" SCNx64 " %d %" SCNd64, &id, &pid, &o.at) != 3)
		return false;
	o.run = history_find(id);
	o.other = find_by_pid(pid);
	if (!o.run)
		return false;
	on_overlap(&o);
	return true;
}

static bool take_end(const char *line)
{
	uint64_t id;
	int64_t at;
	if (sscanf(line, "E %" SCNx64 " %" SCNd64, &id, &at) != 2)
		return false;
	struct run *r = history_find(id);
	if (!r)
		return false;
	r->ended = at;
	return true;
}

void history_read(void)
{
	char line[256];
	clearerr(log_file);
	while (fgets(line, sizeof line, log_file)) {
		/* A record is one write, but where a page ends half of it may be seen before
		 * the rest: that half is read again. */
		if (!strchr(line, '\n')) {
			fseek(log_file, -(long)strlen(line), SEEK_CUR);
			return;
		}
		if (!take_start(line) && !take_end(line) && !take_overlap(line))
			complain(-1, "the log has a line that makes no sense: %s", line);
	}
}

struct run *history_latest(enum said_kind kind)
{
	for (size_t i = count; i-- > 0;)
		if (runs[i]->kind == kind)
			return runs[i]->ended || runs[i]->killed ? NULL : runs[i];
	return NULL;
}

bool history_any_killed(enum said_kind kind)
{
	for (size_t i = count; i-- > 0;)
		if (runs[i]->kind == kind && runs[i]->killed)
			return true;
	return false;
}

void history_print(enum said_kind kind, int64_t since)
{
	for (size_t i = 0; i < count; i++) {
		const struct run *r = runs[i];
		if (r->kind == kind && r->began >= since)
			fprintf(stderr, "    run %016" PRIx64 " pid %d below %d, %d: began %.6f, ended %.6f%s\n", r->id, r->pid,
			        r->above[0], r->above[1], seconds(r->began), seconds(r->ended),
			        r->killed ? ", killed by us" : "");
	}
}

long history_count(void)
{
	return (long)count;
}
