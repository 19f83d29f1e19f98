/* dpcache explain: would run have to run it, and why? Walks run's own way, as one who
 * only looks. */
#include "explain.h"

#include "cmd.h"
#include "options.h"
#include "place.h"
#include "report.h"
#include "text.h"
#include "vault.h"

#include <stdio.h>
#include <string.h>

/* --- causes --- */

/* The times by which it was judged; of what is timeless, nothing. */
static void judged_by(char *out, size_t size, enum verdict v, const struct capsule *c, const struct policy *p,
                      int64_t age)
{
	char how_old[TEXT_SHORT], ttl[TEXT_SHORT];
	int64_t left = lookup_left(c, p, age);
	text_duration(how_old, age);
	text_duration(ttl, left == DPC_FOREVER ? DPC_FOREVER : left + age);
	const char *name = lookup_verdict_name(v);
	if (v == VERDICT_FUTURE)
		snprintf(out, size, "%s: the clock was set back", name);
	else if (v == VERDICT_INVALIDATED)
		snprintf(out, size, "%s", name);
	else if (v == VERDICT_FAILED)
		snprintf(out, size, "%s: exit status %d, age %s, ttl of failures %s", name,
		         capsule_exit_status(c->status), how_old, ttl);
	else
		snprintf(out, size, "%s: age %s, ttl %s", name, how_old, ttl);
}

static void differences_in_words(char out[CAUSE_TEXT], const struct differences *d)
{
	size_t more = d->count - 1;
	difference_in_words(out, &d->v[0]);
	size_t n = strlen(out);
	if (more)
		snprintf(out + n, CAUSE_TEXT - n, ", and %zu more difference%s", more, more > 1 ? "s" : "");
}

/* Nothing keeps the nearest run from being this one's: then it was judged, or has come
 * since we looked. */
static void cause_by_nearest(struct explanation *e)
{
	int64_t age;
	const struct capsule *c = &e->nearest.answer.capsule;
	const struct ask *a = e->ask;
	enum verdict v = lookup_judge(&age, c, a->policy, &a->home->state);
	char judged[sizeof e->besides] = "";
	if (!verdict_serves(v))
		judged_by(judged, sizeof judged, v, c, a->policy, age);
	if (e->nearest.differences.count) {
		differences_in_words(e->cause, &e->nearest.differences);
		memcpy(e->besides, judged, sizeof judged);
	} else {
		snprintf(e->cause, sizeof e->cause, "%s", *judged ? judged : "it was not found; but is there now");
	}
}

/* It was run, of late, but was not to be had from then on: there is no need to look
 * for what has changed since another. */
static bool cause_by_log(struct explanation *e, const char *log)
{
	bool same = e->nearest.found && !e->nearest.differences.count;
	if (same || !lastrun_why_not_remembered(e->last, log, &e->ask->key))
		return false;
	snprintf(e->cause, sizeof e->cause, "the last run was %s", e->last);
	return true;
}

static void find_cause(struct explanation *e, const struct meet *m, const char *log, dpc_error *trouble)
{
	struct ask *a = m->ask;
	int rc = nearest_find(&e->nearest, a, trouble);
	if (m->store_error.code < 0)
		e->trouble = m->store_error.message;
	else if (rc < 0)
		e->trouble = trouble->message;
	if (a->policy->refresh)
		snprintf(e->cause, sizeof e->cause, "--refresh is given");
	else if (m->store_error.code < 0)
		snprintf(e->cause, sizeof e->cause, "%s", m->store_error.message);
	else if (cause_by_log(e, log))
		return;
	else if (e->nearest.found)
		cause_by_nearest(e);
	else
		snprintf(e->cause, sizeof e->cause, "no run of this command is remembered");
}

/* --- the verdict --- */

static void explain_served(struct explanation *e, const struct meet *m)
{
	char age[TEXT_SHORT], left[TEXT_SHORT];
	const struct answer *found = &m->answer;
	int64_t rest = lookup_left(&found->capsule, m->ask->policy, found->age);
	bool old = m->ask->verdict == VERDICT_STALE || verdict_is_old(m->ask->verdict);
	e->answer = found;
	e->verdict = old ? "stale" : "hit";
	text_duration(age, found->age);
	if (old)
		snprintf(e->cause, sizeof e->cause, "expired %s ago, %s", text_duration(left, -rest),
		         m->ask->verdict == VERDICT_STALE ? "served while one refreshes it"
		                                          : "served for its command has just failed");
	else if (rest == DPC_FOREVER)
		snprintf(e->cause, sizeof e->cause, "age %s, never expires", age);
	else
		snprintf(e->cause, sizeof e->cause, "age %s, %s left", age, text_duration(left, rest));
}

static void explain_miss(struct explanation *e, const struct meet *m, const char *log, dpc_error *trouble)
{
	const struct policy *p = m->ask->policy;
	e->verdict = e->running && !p->no_coalesce && !p->refresh ? "follow" : "miss";
	find_cause(e, m, log, trouble);
}

static void bypass(struct explanation *e, const char *cause)
{
	e->verdict = "bypass";
	snprintf(e->cause, sizeof e->cause, "%s", cause);
}

static int tell(struct explanation *e, bool json)
{
	explanation_print(e, json);
	return e->answer ? 0 : EXIT_MISS;
}

/* As run's meet(), which has the same words for the same errors. */
static int explain_asked(struct explanation *e, struct ask *a, const struct run_options *o, dpc_error *err)
{
	struct meet m = MEET_OF(a, vault_fetch);
	dpc_error trouble = {0};
	enum meeting how = MEET_ALONE;
	int rc = meet_callers(&how, &m, err), status;
	if (rc == DPC_E_IO && !a->has_key) {
		meet_release(&m);
		return place_fail(err);
	}
	e->ask = a;
	e->running = how != MEET_HIT && rc == DPC_OK && home_check_locks(a->home, NULL) == DPC_OK &&
	             atwork_find(&e->run, a->home, &a->run);
	if (rc != DPC_OK)
		bypass(e, err->message);
	else if (how == MEET_NESTED)
		bypass(e, "asked for within its own run");
	else if (how == MEET_HIT || how == MEET_STALE)
		explain_served(e, &m);
	else
		explain_miss(e, &m, o->log_file, &trouble);
	status = tell(e, o->json);
	meet_release(&m);
	return status;
}

/* --- the way there --- */

/* Without a cache to look into; a command that is not there fails all the same. */
static int explain_without(struct explanation *e, struct run_options *o)
{
	if (!o->question.name.data)
		options_resolve(o);
	return o->exe_errno ? report_exec_failure(o, o->exe_errno) : tell(e, o->json);
}

static int explain_in(struct explanation *e, struct run_options *o, const struct home *h, dpc_error *err)
{
	struct ask a;
	int status;
	if (options_settle(o, h, err) != DPC_OK)
		return place_fail(err);
	if (o->exe_errno)
		return report_exec_failure(o, o->exe_errno);
	int rc = ask_init(&a, h, &o->policy, &o->question, o->exe[0] && !o->no_exe ? o->exe : NULL, err);
	ask_look_only(&a);
	if (rc == DPC_OK) {
		status = explain_asked(e, &a, o, err);
	} else {
		bypass(e, err->message);
		status = tell(e, o->json);
	}
	ask_release(&a);
	return status;
}

static int explain(struct explanation *e, struct run_options *o, struct place *p, dpc_error *err)
{
	if (o->no_cache) {
		bypass(e, "the cache is switched off");
		return explain_without(e, o);
	}
	int rc = place_open(p, o->store, false, err);
	if (rc == DPC_OK)
		rc = home_check_locks(&p->home, err);
	if (rc == DPC_OK)
		return explain_in(e, o, &p->home, err);
	if (rc == DPC_E_USAGE || (rc < 0 && rc != DPC_E_CORRUPT && o->require_cache))
		return place_fail(err);
	bypass(e, rc == DPC_MISS ? "nothing was ever remembered" : err->message);
	/* Run makes a cache where there is none, and mends what is damaged. */
	if (rc == DPC_MISS || rc == DPC_E_CORRUPT)
		e->verdict = "miss";
	return explain_without(e, o);
}

int cmd_explain(const struct command *self, char **words)
{
	static struct run_options o;
	static struct explanation e;
	struct place p = {.home = {.fd = -1}};
	dpc_error err = {0};
	int status;
	e.nearest.answer = ANSWER_NONE;
	if (options_parse(&o, self->options, words, &err) != DPC_OK)
		status = place_fail(&err);
	else
		status = o.help ? cmd_help(self) : explain(&e, &o, &p, &err);
	nearest_release(&e.nearest);
	atwork_release(&e.run);
	place_close(&p);
	options_release(&o);
	return status;
}
