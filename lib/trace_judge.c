/* From what was seen to what the result depends on. All is looked at when the run is
 * over, so whatever changed since it began must be of its own making, or else nobody
 * knows what the command has seen. */
#include "trace_judge.h"

#include "manifest.h"
#include "trace_rules.h"

#include <string.h>
#include <unistd.h>

static int judge_input(struct judge *j, const struct pathset_entry *e, const char *path, dpc_error *why)
{
	const uint32_t absent = SEEN_ABSENT | SEEN_NO_NAME;
	if (e->bits & absent && e->bits & SEEN_LOOKS & ~(absent | SEEN_DENIED))
		return judge_changed(path, why);
	int rc = judge_way(j, path);
	if (rc == DPC_OK && e->bits & absent)
		rc = judge_add_absence(j, e, path, why);
	else if (rc == DPC_OK)
		rc = judge_add_looks(j, e->bits, path, why);
	return rc == DPC_OK && e->bits & SEEN_DENIED ? judge_add_denial(j, path, why) : rc;
}

static int judge_path(struct judge *j, const struct pathset_entry *e, dpc_error *why)
{
	const char *path = pathset_name(&j->seen->paths, e);
	if (trace_ignores(j->rules, path) || sightings_is_own_process(j->seen, path))
		return DPC_OK;
	bool written = e->bits & SEEN_WRITABLE && judge_stayed(j, path, false, NULL) != DPC_OK;
	if (judge_may_be_output(j, path) && (judge_is_made(e) || e->bits & SEEN_CHANGED || written))
		return judge_output(j, e, path, why);
	if (!(e->bits & (SEEN_LOOKS | SEEN_SPOILED)))
		return DPC_OK;
	if (e->bits & SEEN_SPOILED || written)
		return dpc__fail(why, DPC_MISS, "it looked at %s and changed it", path);
	return judge_input(j, e, path, why);
}

static int judge_all(struct judge *j, dpc_error *why)
{
	int rc = DPC_OK;
	for (size_t i = 0; rc == DPC_OK && i < j->seen->paths.count; i++)
		rc = judge_path(j, &j->seen->paths.v[i], why);
	if (rc == DPC_OK)
		rc = judge_ways_stayed(j, why);
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

static bool is_own(void *context, const char *path)
{
	const struct sightings *seen = context;
	const struct pathset_entry *e = pathset_find(&seen->paths, path);
	return e && e->bits & SEEN_OWN;
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
	                  .vigil = &t->vigil,
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
	vigil_end(&t->vigil, is_own, &seen);
	if (rc == DPC_OK)
		rc = judge_all(&j, why);
	pathset_release(&j.ways);
	sightings_release(&seen);
	return rc;
}
