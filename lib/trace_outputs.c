/* What a traced run made: is it kept with the result? */
#include "trace_judge.h"

#include "output.h"
#include "trace_rules.h"

#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

const char *judge_below_cwd(const struct judge *j, const char *path)
{
	size_t n = strlen(j->cwd);
	return n > 1 && trace_is_below(path, j->cwd) && path[n] ? path + n + 1 : NULL;
}

/* Is what the run makes there kept with the result, because somebody said so? */
static bool is_declared(const struct judge *j, const char *path)
{
	const struct trace_rules *r = j->rules;
	char plain[PATH_MAX];
	const char *below = judge_below_cwd(j, path);
	for (size_t i = 0; below && i < r->output_count; i++)
		if (output_plain(plain, r->outputs[i]) &&
		    (strcmp(plain, below) == 0 || fnmatch(plain, below, FNM_PATHNAME | FNM_PERIOD) == 0))
			return true;
	return false;
}

bool judge_may_be_output(const struct judge *j, const char *path)
{
	return is_declared(j, path) || (j->rules->auto_outputs && judge_below_cwd(j, path));
}

bool judge_is_made(const struct pathset_entry *e)
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

/* Whoever declared it says that nothing but its making matters. Of others, that it was
 * not there may have been why it was made. */
int judge_output(struct judge *j, const struct pathset_entry *e, const char *path, dpc_error *why)
{
	if (!judge_is_made(e))
		return dpc__fail(why, DPC_MISS, "it changed %s, which was there before", path);
	int rc = note_output(j, path, why);
	if (rc != DPC_OK || is_declared(j, path))
		return rc;
	/* A hit takes nothing away. */
	if (e->bits & SEEN_SPOILED && access(path, F_OK) < 0)
		return dpc__fail(why, DPC_MISS, "it removed %s, which was there before", path);
	return e->bits & (SEEN_ABSENT | SEEN_NO_NAME) ? judge_add_absence(j, e, path, why) : DPC_OK;
}
