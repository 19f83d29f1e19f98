/* What is remembered of the paths that a traced run looked at. */
#include "trace_judge.h"

#include "trace_rules.h"
#include "way.h"

#include <errno.h>
#include <string.h>

/* How a path is named in what is remembered. */
static const char *named(const struct judge *j, const char *path)
{
	const char *below = j->rules->anywhere ? judge_below_cwd(j, path) : NULL;
	if (j->rules->anywhere && strcmp(path, j->cwd) == 0)
		return ".";
	return below ? below : path;
}

int judge_add(struct judge *j, enum observation_kind kind, const char *path, dpc_error *why)
{
	int rc = fact_add(j->facts, j->look, kind, named(j, path), why);
	if (rc == DPC_MISS)
		return judge_changed(path, why);
	if (rc == DPC_E_IO || rc == DPC_E_DENIED)
		return dpc__fail(why, DPC_MISS, "%s cannot be looked at", path);
	return rc;
}

/* What was absent, and is of the run's own making since, need not be so now. */
int judge_add_absence(struct judge *j, const struct pathset_entry *e, const char *path, dpc_error *why)
{
	enum observation_kind kind = e->bits & SEEN_NO_NAME ? OBSERVED_NO_NAME : OBSERVED_ABSENT;
	if (!(e->bits & SEEN_OWN))
		return judge_add(j, kind, path, why);
	return observations_add(j->facts, kind, named(j, path)) ? DPC_OK : DPC_E_MEMORY;
}

int judge_add_content(struct judge *j, const char *path, dpc_error *why)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return judge_changed(path, why);
	if (S_ISDIR(st.st_mode))
		return judge_add(j, OBSERVED_PLACE, path, why);
	if (!S_ISREG(st.st_mode))
		return dpc__fail(why, DPC_MISS, "it read %s, which is no file", path);
	int rc = judge_add(j, OBSERVED_FILE, path, why);
	return rc == DPC_OK ? judge_stayed(j, path, false, why) : rc;
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
		return judge_changed(path, why);
	bool special = !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode);
	if (special || has_idle_times(j, path, &st))
		return judge_add(j, of_link ? OBSERVED_LPLACE : OBSERVED_PLACE, path, why);
	int rc = judge_add(j, of_link ? OBSERVED_LSTAT : OBSERVED_STAT, path, why);
	return rc == DPC_OK ? judge_stayed(j, path, of_link, why) : rc;
}

/* A directory's times move for other reasons. */
static int add_place(struct judge *j, const char *path, bool of_link, dpc_error *why)
{
	struct stat st;
	bool dir = (of_link ? lstat(path, &st) : stat(path, &st)) == 0 && S_ISDIR(st.st_mode);
	int rc = judge_add(j, of_link ? OBSERVED_LPLACE : OBSERVED_PLACE, path, why);
	return rc == DPC_OK && !dir ? judge_stayed(j, path, of_link, why) : rc;
}

/* It was not allowed: by what is there, by what leads there, or by the directory in
 * which nothing is. */
int judge_add_denial(struct judge *j, const char *path, dpc_error *why)
{
	char dir[WIRE_PATH_MAX];
	struct stat st;
	if (lstat(path, &st) == 0)
		return judge_add(j, OBSERVED_LPLACE, path, why);
	if (errno == EACCES)
		return judge_add(j, OBSERVED_DENIED, path, why);
	way_parent(dir, path);
	int rc = judge_add(j, OBSERVED_NO_NAME, path, why);
	return rc == DPC_OK ? judge_add(j, OBSERVED_PLACE, dir, why) : rc;
}

/* What the run itself made and removed there follows from the rest: what counts are the
 * names that it found. */
static int add_listing(struct judge *j, const char *path, dpc_error *why)
{
	const struct digest *before = vigil_names(j->vigil, path);
	int rc = judge_add(j, OBSERVED_LISTING, path, why);
	if (rc != DPC_OK)
		return rc;
	rc = judge_stayed(j, path, false, before ? NULL : why);
	if (rc == DPC_OK || !before)
		return rc;
	j->facts->v[j->facts->count - 1].digest = *before;
	return DPC_OK;
}

static int add_link(struct judge *j, const char *path, dpc_error *why)
{
	int rc = judge_add(j, OBSERVED_LINK, path, why);
	return rc == DPC_OK ? judge_stayed(j, path, true, why) : rc;
}

int judge_add_looks(struct judge *j, uint32_t bits, const char *path, dpc_error *why)
{
	int rc = DPC_OK;
	if (bits & SEEN_READ)
		rc = judge_add_content(j, path, why);
	if (rc == DPC_OK && bits & SEEN_LIST)
		rc = add_listing(j, path, why);
	if (rc == DPC_OK && bits & SEEN_LINK)
		rc = add_link(j, path, why);
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
