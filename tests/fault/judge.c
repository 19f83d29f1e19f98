#include "judge.h"

#include "chaos.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct text {
	char *data;
	size_t size;
};

static struct text read_all(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		die("fstat");
	struct text t = {allocate((size_t)st.st_size + 1, 1), (size_t)st.st_size};
	if (pread(fd, t.data, t.size, 0) != (ssize_t)t.size)
		die("read an output");
	close(fd);
	return t;
}

/* --- what dpcache says by itself --- */

enum { WARNINGS = 32 };
static const char SELF[] = "dpcache: ";
static struct {
	char text[160];
	long count;
} warnings[WARNINGS];

static void count_warning(const char *line, size_t size)
{
	for (int i = 0; i < WARNINGS; i++) {
		if (!warnings[i].count)
			snprintf(warnings[i].text, sizeof warnings[i].text, "%.*s", (int)size, line);
		if (strncmp(warnings[i].text, line, size < 159 ? size : 159) == 0) {
			warnings[i].count++;
			return;
		}
	}
}

void judge_print_remarks(void)
{
	for (int i = 0; i < WARNINGS && warnings[i].count; i++)
		printf("  %5ld times: %s\n", warnings[i].count, warnings[i].text);
}

/* How many of the first bytes are whole lines of dpcache's own. */
static size_t own_lines(const char *data, size_t size)
{
	size_t at = 0;
	while (size - at >= sizeof SELF - 1 && memcmp(data + at, SELF, sizeof SELF - 1) == 0) {
		const char *end = memchr(data + at, '\n', size - at);
		if (!end)
			break;
		count_warning(data + at, (size_t)(end - data) - at);
		at = (size_t)(end - data) + 1;
	}
	return at;
}

/* --- a caller of run --- */

/* What came on one stream, against what the run says there. */
struct heard {
	bool whole, clean; /* all of it; nothing else */
	size_t size, differs_at;
};

static struct heard compare(struct text got, const struct run *r, int stream)
{
	size_t want = said_size(r->id, r->kind, stream), same = 0;
	char *expected = allocate(want, 1);
	said_fill(expected, want, r->id, r->kind, stream);
	while (same < want && same < got.size && got.data[same] == expected[same])
		same++;
	free(expected);
	size_t rest = got.size - same;
	/* What dpcache says may seem to go on where the run broke off. */
	if (same < want && same && got.data[same - 1] == SELF[0] && own_lines(got.data + same - 1, rest + 1) == rest + 1)
		return (struct heard){false, true, got.size, same - 1};
	return (struct heard){same == want, rest == own_lines(got.data + same, rest), got.size, same};
}

/* By the id that an output begins with. */
static struct run *run_of(struct text out, struct text err)
{
	char digits[SAID_ID + 1] = "";
	struct text from = out.size >= SAID_ID ? out : err;
	if (from.size < SAID_ID)
		return NULL;
	memcpy(digits, from.data, SAID_ID);
	return history_find(strtoull(digits, NULL, 16));
}

/* The latest moment at which the result can have been complete: while its leader lived. */
static int64_t complete_by(const struct run *r)
{
	const struct member *leader = r->leader < 0 ? NULL : &party.members[r->leader];
	return leader && leader->went ? leader->went : INT64_MAX;
}

static void judge_age(const struct member *m, const struct run *r, int exit_status)
{
	int64_t ttl = exit_status ? m->ttl_fail : m->ttl + m->window, latest = complete_by(r);
	if (r->began < m->barrier)
		complain(m->kind, "pid %d, who came at %.6f, got run %016" PRIx64 ", begun before an invalidation that began at "
		         "%.6f and had returned", m->pid, seconds(m->came), r->id, seconds(m->barrier));
	if (m->refresh && r->began < m->came)
		complain(m->kind, "pid %d, who came at %.6f with --refresh, got run %016" PRIx64 " of before", m->pid,
		         seconds(m->came), r->id);
	/* Who is shown the beginning of a run does not ask how old a result is. */
	if (exit_status != JUDGE_CONFLICT && latest != INT64_MAX && m->came - latest > ttl)
		complain(m->kind, "pid %d, who came at %.6f with a ttl of %.6f s, got run %016" PRIx64
		         ", whose leader was gone at %.6f",
		         m->pid, seconds(m->came), (double)ttl / 1e9, r->id, seconds(latest));
}

/* Was that right of one who looked on? The run he saw broke off, and no other says
 * what he was shown of it. */
static bool ended_half_way(const struct member *m, const struct run *r, int status)
{
	bool led_to_its_end = r->ended && !r->bereft && (r->leader < 0 || !party.members[r->leader].killed);
	return m->follow && WEXITSTATUS(status) == JUDGE_CONFLICT && (r->killed || !led_to_its_end);
}

static void judge_output(const struct member *m, const struct run *r, const struct heard heard[SAID_STREAMS],
                         int status)
{
	bool cut_short = m->killed || (r->killed && WEXITSTATUS(status) == 128 + SIGKILL) || ended_half_way(m, r, status);
	bool ok = r->kind == m->kind;
	for (int i = 0; i < SAID_STREAMS; i++)
		ok = ok && heard[i].clean && (heard[i].whole || cut_short);
	if (!ok)
		complain(m->kind, "pid %d, status %x, got of run %016" PRIx64 " (key %s): stdout %zu bytes%s, as expected up to "
		         "%zu; stderr %zu bytes%s, as expected up to %zu",
		         m->pid, (unsigned)status, r->id, said_names[r->kind], heard[0].size,
		         heard[0].whole ? " (whole)" : "", heard[0].differs_at, heard[1].size,
		         heard[1].whole ? " (whole)" : "", heard[1].differs_at);
	else if (!cut_short && WEXITSTATUS(status) != said_status(r->id, r->kind))
		complain(m->kind, "pid %d got all of run %016" PRIx64 ", but exit status %d instead of %d", m->pid, r->id,
		         WEXITSTATUS(status), said_status(r->id, r->kind));
}

static void show(const char *name, struct text t)
{
	fprintf(stderr, "    its %s: %.*s\n", name, (int)(t.size < 400 ? t.size : 400), t.data);
}

/* Nothing by which a run is known: right only for one that gave up waiting, was
 * killed, or got the result of a command killed before it had printed anything. */
static void judge_nothing(const struct member *m, struct text out, struct text err, int status)
{
	bool silent = !out.size && own_lines(err.data, err.size) == err.size;
	bool gave_up = WIFEXITED(status) && WEXITSTATUS(status) == JUDGE_GAVE_UP;
	bool of_killed = WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGKILL && history_any_killed(m->kind);
	if ((silent && (gave_up || of_killed)) || m->killed)
		return;
	complain(m->kind, "pid %d ended with status %x and the output of no run", m->pid, (unsigned)status);
	show("stdout", out);
	show("stderr", err);
}

static void judge_run(const struct member *m, struct text out, struct text err, int status)
{
	size_t before = own_lines(err.data, err.size);
	struct text own = {err.data + before, err.size - before};
	struct run *r = run_of(out, own);
	if (!WIFEXITED(status) && !m->killed) {
		complain(m->kind, "pid %d ended by signal %d, which we did not send", m->pid, WTERMSIG(status));
	} else if (!r) {
		judge_nothing(m, out, err, status);
	} else {
		struct heard heard[SAID_STREAMS] = {compare(out, r, 0), compare(own, r, 1)};
		judge_output(m, r, heard, status);
		if (!m->killed)
			judge_age(m, r, WEXITSTATUS(status));
	}
}

/* --- the others --- */

static bool is_finding(const char *line, const char *what, const char *text)
{
	static const char broken[] = "broken  ";
	size_t n = sizeof broken - 1;
	return strncmp(line, broken, n) == 0 && strncmp(line + n, what, strlen(what)) == 0 && strstr(line, text);
}

/* Of a run that was killed something may lie about; anything else is wrong. */
static void judge_doctor(const struct member *m, struct text out, struct text err, int status)
{
	for (char *line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n"))
		if (is_finding(line, "", "") && !is_finding(line, "orphan ", ""))
			complain(-1, "pid %d, doctor, who came at %.6f, says: %s", m->pid, seconds(m->came), line);
	if (!m->killed && (!WIFEXITED(status) || WEXITSTATUS(status) > 1)) {
		complain(-1, "doctor ended with status %x", (unsigned)status);
		show("stderr", err);
	}
}

/* Those that could not get the write lock in time, because we had stopped its holder, may fail. */
static void judge_helper(const struct member *m, struct text err, int status)
{
	if (err.size)
		own_lines(err.data, err.size);
	if (!m->killed && !WIFEXITED(status))
		complain(-1, "pid %d ended by signal %d, which we did not send", m->pid, WTERMSIG(status));
}

void judge(size_t who, int status)
{
	struct member *m = &party.members[who];
	struct text out = read_all(m->out), err = read_all(m->err);
	m->out = m->err = -1;
	if (m->errand == RUN)
		judge_run(m, out, err, status);
	else if (m->errand == DOCTOR)
		judge_doctor(m, out, err, status);
	else
		judge_helper(m, err, status);
	free(out.data);
	free(err.data);
}
