/* From what was seen to what the result depends on. All is looked at when the run is
 * over, so whatever changed since it began must be of its own making, or else nobody
 * knows what the command has seen. */
#include "trace.h"

#include "environment.h"
#include "manifest.h"
#include "output.h"
#include "sightings.h"
#include "trace_rules.h"
#include "way.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct judge {
	struct observations *facts;
	struct buf *outputs;
	struct sightings *seen;
	const struct trace_rules *rules;
	const struct looker *look;
	int64_t began;
	struct pathset checked; /* directories on the way that are known to have stayed */
	char cwd[PATH_MAX];
};

/* --- what is no input --- */

/* Below the working directory: what is left of the path; else NULL. */
static const char *below_cwd(const struct judge *j, const char *path)
{
	size_t n = strlen(j->cwd);
	return n > 1 && trace_is_below(path, j->cwd) && path[n] ? path + n + 1 : NULL;
}

/* Is what the run makes there kept with the result, because somebody said so? */
static bool is_declared(const struct judge *j, const char *path)
{
	const struct trace_rules *r = j->rules;
	char plain[PATH_MAX];
	const char *below = below_cwd(j, path);
	for (size_t i = 0; below && i < r->output_count; i++)
		if (output_plain(plain, r->outputs[i]) &&
		    (strcmp(plain, below) == 0 || fnmatch(plain, below, FNM_PATHNAME | FNM_PERIOD) == 0))
			return true;
	return false;
}

static bool may_be_output(const struct judge *j, const char *path)
{
	return is_declared(j, path) || (j->rules->auto_outputs && below_cwd(j, path));
}

/* Made by the run, and not out of what was there before. */
static bool is_made(const struct pathset_entry *e)
{
	return e->bits & SEEN_OWN && !(e->bits & (SEEN_READ | SEEN_LINK | SEEN_LIST));
}

/* Of those that nobody has named, the ones that are there in the end. */
static int note_output(struct judge *j, const char *path, dpc_error *why)
{
	struct stat st;
	if (!j->rules->auto_outputs || lstat(path, &st) < 0 || S_ISDIR(st.st_mode))
		return DPC_OK;
	if (!S_ISREG(st.st_mode))
		return dpc__fail(why, DPC_MISS, "%s is no regular file, and cannot be kept", path);
	buf_put(j->outputs, path, strlen(path) + 1);
	return j->outputs->failed ? DPC_E_MEMORY : DPC_OK;
}

/* --- did it stay as it was? --- */

static int changed(const char *path, dpc_error *why)
{
	return dpc__fail(why, DPC_E_CONFLICT, "%s changed while it ran", path);
}

static int64_t stamp(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A link that was replaced has a new change time; so has a directory that was moved
 * here, while one in which names came and went has a new time of modification, too. */
static bool way_stayed(const struct judge *j, const struct stat *st)
{
	return stamp(st->st_ctim) <= j->began || (S_ISDIR(st->st_mode) && stamp(st->st_mtim) > j->began);
}

struct way_check {
	struct judge *j;
	dpc_error *why;
};

static int check_part(void *context, const char *part, const struct stat *st)
{
	struct way_check *c = context;
	struct pathset_entry *e = pathset_at(&c->j->checked, part);
	const struct pathset_entry *seen = pathset_find(&c->j->seen->paths, part);
	bool on_the_way = S_ISDIR(st->st_mode) || S_ISLNK(st->st_mode);
	if (!e)
		return DPC_E_MEMORY;
	bool own = seen && seen->bits & SEEN_OWN;
	if (!e->bits && on_the_way && !own && !way_stayed(c->j, st))
		return changed(part, c->why);
	e->bits = 1;
	return DPC_OK;
}

static int check_way(struct judge *j, const char *path, dpc_error *why)
{
	struct way_check c = {j, why};
	return way_walk(path, check_part, &c);
}

static int check_stayed(struct judge *j, const char *path, bool of_link, dpc_error *why)
{
	struct stat st;
	if (input_is_pseudo(path))
		return DPC_OK;
	int rc = of_link ? lstat(path, &st) : stat(path, &st);
	return rc == 0 && stamp(st.st_ctim) <= j->began ? DPC_OK : changed(path, why);
}

/* --- one path's facts --- */

/* How a path is named in what is remembered. */
static const char *named(const struct judge *j, const char *path)
{
	const char *below = j->rules->anywhere ? below_cwd(j, path) : NULL;
	if (j->rules->anywhere && strcmp(path, j->cwd) == 0)
		return ".";
	return below ? below : path;
}

static int add(struct judge *j, enum observation_kind kind, const char *path, dpc_error *why)
{
	int rc = fact_add(j->facts, j->look, kind, named(j, path), why);
	if (rc == DPC_MISS)
		return changed(path, why);
	if (rc == DPC_E_IO || rc == DPC_E_DENIED)
		return dpc__fail(why, DPC_MISS, "%s cannot be looked at", path);
	return rc;
}

/* What was absent, and is of the run's own making since, need not be so now. */
static int add_absence(struct judge *j, const struct pathset_entry *e, const char *path, dpc_error *why)
{
	enum observation_kind kind = e->bits & SEEN_NO_NAME ? OBSERVED_NO_NAME : OBSERVED_ABSENT;
	if (!(e->bits & SEEN_OWN))
		return add(j, kind, path, why);
	return observations_add(j->facts, kind, named(j, path)) ? DPC_OK : DPC_E_MEMORY;
}

static int add_content(struct judge *j, const char *path, dpc_error *why)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return changed(path, why);
	if (S_ISDIR(st.st_mode))
		return add(j, OBSERVED_PLACE, path, why);
	if (!S_ISREG(st.st_mode))
		return dpc__fail(why, DPC_MISS, "it read %s, which is no file", path);
	int rc = check_stayed(j, path, false, why);
	return rc == DPC_OK ? add(j, OBSERVED_FILE, path, why) : rc;
}

/* A directory's times move with every name in it. They count, but for those by which
 * programs find out where they are, those where everybody makes names, and where the
 * run itself did. */
static bool has_idle_times(const struct judge *j, const char *path, const struct stat *st)
{
	return S_ISDIR(st->st_mode) && (strcmp(path, "/") == 0 || st->st_mode & S_ISVTX ||
	                                trace_is_below(j->cwd, path) || pathset_find(&j->seen->touched, path));
}

static int add_metadata(struct judge *j, const char *path, bool of_link, dpc_error *why)
{
	struct stat st;
	if ((of_link ? lstat(path, &st) : stat(path, &st)) < 0)
		return changed(path, why);
	bool special = !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode);
	if (special || has_idle_times(j, path, &st))
		return add(j, of_link ? OBSERVED_LPLACE : OBSERVED_PLACE, path, why);
	int rc = check_stayed(j, path, of_link, why);
	return rc == DPC_OK ? add(j, of_link ? OBSERVED_LSTAT : OBSERVED_STAT, path, why) : rc;
}

/* A directory's times move for other reasons. */
static int add_place(struct judge *j, const char *path, bool of_link, dpc_error *why)
{
	struct stat st;
	bool dir = (of_link ? lstat(path, &st) : stat(path, &st)) == 0 && S_ISDIR(st.st_mode);
	int rc = dir ? DPC_OK : check_stayed(j, path, of_link, why);
	return rc == DPC_OK ? add(j, of_link ? OBSERVED_LPLACE : OBSERVED_PLACE, path, why) : rc;
}

/* It was not allowed: by what is there, by what leads there, or by the directory in
 * which nothing is. */
static int add_denial(struct judge *j, const char *path, dpc_error *why)
{
	char dir[WIRE_PATH_MAX];
	struct stat st;
	if (lstat(path, &st) == 0)
		return add(j, OBSERVED_LPLACE, path, why);
	if (errno == EACCES)
		return add(j, OBSERVED_DENIED, path, why);
	way_parent(dir, path);
	int rc = add(j, OBSERVED_NO_NAME, path, why);
	return rc == DPC_OK ? add(j, OBSERVED_PLACE, dir, why) : rc;
}

static int add_checked(struct judge *j, enum observation_kind kind, const char *path, bool of_link,
                       dpc_error *why)
{
	int rc = check_stayed(j, path, of_link, why);
	return rc == DPC_OK ? add(j, kind, path, why) : rc;
}

static int add_looks(struct judge *j, uint32_t bits, const char *path, dpc_error *why)
{
	int rc = DPC_OK;
	if (bits & SEEN_READ)
		rc = add_content(j, path, why);
	if (rc == DPC_OK && bits & SEEN_LIST)
		rc = add_checked(j, OBSERVED_LISTING, path, false, why);
	if (rc == DPC_OK && bits & SEEN_LINK)
		rc = add_checked(j, OBSERVED_LINK, path, true, why);
	if (rc == DPC_OK && bits & SEEN_STAT)
		rc = add_metadata(j, path, false, why);
	if (rc == DPC_OK && bits & SEEN_LSTAT)
		rc = add_metadata(j, path, true, why);
	if (rc == DPC_OK && bits & SEEN_PLACE && !(bits & SEEN_STAT))
		rc = add_place(j, path, false, why);
	if (rc == DPC_OK && bits & SEEN_LPLACE && !(bits & SEEN_LSTAT))
		rc = add_place(j, path, true, why);
	return rc;
}

static int judge_input(struct judge *j, const struct pathset_entry *e, const char *path, dpc_error *why)
{
	const uint32_t absent = SEEN_ABSENT | SEEN_NO_NAME;
	if (e->bits & absent && e->bits & SEEN_LOOKS & ~(absent | SEEN_DENIED))
		return changed(path, why);
	int rc = check_way(j, path, why);
	if (rc == DPC_OK && e->bits & absent)
		rc = add_absence(j, e, path, why);
	else if (rc == DPC_OK)
		rc = add_looks(j, e->bits, path, why);
	return rc == DPC_OK && e->bits & SEEN_DENIED ? add_denial(j, path, why) : rc;
}

/* Whoever declared it says that nothing but its making matters. Of others, that it was
 * not there may have been why it was made. */
static int judge_output(struct judge *j, const struct pathset_entry *e, const char *path, dpc_error *why)
{
	if (!is_made(e))
		return dpc__fail(why, DPC_MISS, "it changed %s, which was there before", path);
	int rc = note_output(j, path, why);
	bool absent = e->bits & (SEEN_ABSENT | SEEN_NO_NAME);
	return rc == DPC_OK && absent && !is_declared(j, path) ? add_absence(j, e, path, why) : rc;
}

static int judge_path(struct judge *j, const struct pathset_entry *e, dpc_error *why)
{
	const char *path = pathset_name(&j->seen->paths, e);
	if (trace_ignores(j->rules, path) || sightings_is_own_process(j->seen, path))
		return DPC_OK;
	bool written = e->bits & SEEN_WRITABLE && check_stayed(j, path, false, NULL) != DPC_OK;
	if (may_be_output(j, path) && (is_made(e) || e->bits & SEEN_CHANGED || written))
		return judge_output(j, e, path, why);
	if (!(e->bits & (SEEN_LOOKS | SEEN_SPOILED)))
		return DPC_OK;
	if (e->bits & SEEN_SPOILED || written)
		return dpc__fail(why, DPC_MISS, "it looked at %s and changed it", path);
	return judge_input(j, e, path, why);
}

/* --- variables --- */

static int note_name(void *context, const char *name, size_t size)
{
	struct judge *j = context;
	char *copy = strndup(name, size);
	bool noted = copy && pathset_at(&j->seen->variables, copy);
	free(copy);
	return noted ? DPC_OK : DPC_E_MEMORY;
}

static int note_names(struct judge *j, const char *const *list)
{
	for (; *list; list++)
		if (!pathset_at(&j->seen->variables, *list))
			return DPC_E_MEMORY;
	return DPC_OK;
}

/* What the dynamic linker and the C library look up where nobody sees it; and what is
 * noise to all but make. */
static int note_by_rule(struct judge *j)
{
	static const char *const of_libc[] = {"LD_PRELOAD", "LD_AUDIT", "GLIBC_TUNABLES", "POSIXLY_CORRECT",
	                                      NULL};
	static const char *const of_make[] = {"MAKEFLAGS", "GNUMAKEFLAGS", "MFLAGS", NULL};
	int rc = j->seen->dynamic ? note_names(j, of_libc) : DPC_OK;
	for (size_t i = 0; rc == DPC_OK && i < j->seen->programs.count; i++)
		if (trace_is_make(pathset_name(&j->seen->programs, &j->seen->programs.v[i])))
			rc = note_names(j, of_make);
	return rc;
}

static int judge_variables(struct judge *j, dpc_error *why)
{
	const struct pathset *programs = &j->seen->programs, *names = &j->seen->variables;
	bool all = false;
	int rc = DPC_OK;
	for (size_t i = 0; i < programs->count && !all; i++)
		all = !trace_only_hands_on(pathset_name(programs, &programs->v[i]));
	if (all)
		rc = environment_each(note_name, j);
	if (rc == DPC_OK)
		rc = note_by_rule(j);
	for (size_t i = 0; rc == DPC_OK && i < names->count; i++) {
		const char *name = pathset_name(names, &names->v[i]);
		/* Where it is, the question says, or is not to say. */
		if (strncmp(name, "DPCACHE_", 8) != 0 && strcmp(name, "PWD") != 0)
			rc = add(j, OBSERVED_VARIABLE, name, why);
	}
	return rc == DPC_OK && all ? add(j, OBSERVED_NAMES, "", why) : rc;
}

/* --- what the dynamic linker reads before any program can be watched --- */

static int judge_linker(struct judge *j, dpc_error *why)
{
	static const char *const read[] = {"/etc/ld.so.cache", "/etc/ld.so.preload"};
	int rc = DPC_OK;
	for (size_t i = 0; rc == DPC_OK && j->seen->dynamic && i < sizeof read / sizeof *read; i++)
		if (!pathset_find(&j->seen->paths, read[i]))
			rc = access(read[i], F_OK) == 0 ? add_content(j, read[i], why)
			                                : add(j, OBSERVED_ABSENT, read[i], why);
	return rc;
}

/* --- all of it --- */

static int judge_all(struct judge *j, dpc_error *why)
{
	int rc = DPC_OK;
	for (size_t i = 0; rc == DPC_OK && i < j->seen->paths.count; i++)
		rc = judge_path(j, &j->seen->paths.v[i], why);
	if (rc == DPC_OK)
		rc = judge_linker(j, why);
	if (rc == DPC_OK)
		rc = judge_variables(j, why);
	if (rc == DPC_OK && (j->facts->count > TRACED_INPUTS || j->facts->strings.size > TRACED_BYTES))
		rc = dpc__fail(why, DPC_MISS, "it has more inputs than can be remembered");
	if (rc == DPC_OK && j->facts->failed)
		rc = DPC_E_MEMORY;
	return rc == DPC_E_MEMORY ? dpc__fail(why, rc, "out of memory") : rc;
}

void trace_outcome_release(struct trace_outcome *o)
{
	buf_release(&o->outputs);
}

int trace_judge(struct trace_outcome *outcome, struct trace *t, const struct trace_rules *rules,
                const struct looker *look, dpc_error *why)
{
	struct sightings seen = {0};
	struct judge j = {.facts = outcome->facts,
	                  .outputs = &outcome->outputs,
	                  .seen = &seen,
	                  .rules = rules,
	                  .look = look,
	                  .began = t->began};
	if (!getcwd(j.cwd, sizeof j.cwd))
		j.cwd[0] = '\0';
	int rc = t->blind ? dpc__fail(why, DPC_MISS, "%s cannot be watched", t->blind) : DPC_OK;
	if (rc == DPC_OK && t->pipe)
		rc = dpc__fail(why, DPC_MISS, "it could read from a pipe, its descriptor %d", t->pipe);
	const char *inherited = (const char *)t->inherited.data;
	for (size_t at = 0; rc == DPC_OK && at < t->inherited.size; at += strlen(inherited + at) + 1)
		rc = sightings_suppose(&seen, inherited + at);
	if (rc == DPC_OK)
		rc = sightings_read(&seen, t->head, why);
	if (rc == DPC_OK)
		rc = judge_all(&j, why);
	pathset_release(&j.checked);
	sightings_release(&seen);
	return rc;
}
