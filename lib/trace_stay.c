/* Is what a traced run looked at still as it was when it began? */
#include "trace_judge.h"

#include "clock.h"
#include "way.h"

int judge_changed(const char *path, dpc_error *why)
{
	return dpc__fail(why, DPC_E_CONFLICT, "%s changed while it ran", path);
}

/* A link that was replaced has a new change time; so has a directory that was moved
 * here, while one in which names came and went has a new time of modification, too. */
static bool way_stayed(const struct judge *j, const struct stat *st)
{
	return clock_ns(st->st_ctim) <= j->began || (S_ISDIR(st->st_mode) && clock_ns(st->st_mtim) > j->began);
}

static int note_part(void *context, const char *part, const struct stat *st)
{
	struct judge *j = context;
	const struct pathset_entry *seen = pathset_find(&j->seen->paths, part);
	bool own = seen && seen->bits & SEEN_OWN;
	if (own || !(S_ISDIR(st->st_mode) || S_ISLNK(st->st_mode)))
		return DPC_OK;
	return pathset_at(&j->ways, part) ? DPC_OK : DPC_E_MEMORY;
}

int judge_way(struct judge *j, const char *path)
{
	return way_walk(&j->seen->ways, path, note_part, j);
}

int judge_ways_stayed(struct judge *j, dpc_error *why)
{
	struct stat st;
	for (size_t i = 0; i < j->ways.count; i++) {
		const char *part = pathset_name(&j->ways, &j->ways.v[i]);
		if (lstat(part, &st) < 0 || !way_stayed(j, &st))
			return judge_changed(part, why);
	}
	return DPC_OK;
}

int judge_stayed(struct judge *j, const char *path, bool of_link, dpc_error *why)
{
	struct stat st;
	if (input_is_pseudo(path))
		return DPC_OK;
	int rc = of_link ? lstat(path, &st) : stat(path, &st);
	return rc == 0 && clock_ns(st.st_ctim) <= j->began ? DPC_OK : judge_changed(path, why);
}
