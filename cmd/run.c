/* dpcache run: what the front could not answer. */
#include "cmd.h"

#include "backoff.h"
#include "environment.h"
#include "handover.h"
#include "keeper.h"
#include "kept.h"
#include "lead.h"
#include "meet.h"
#include "onlook.h"
#include "refresh.h"
#include "report.h"
#include "serve.h"
#include "stats.h"
#include "store.h"
#include "vault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct job {
	struct run_options o;
	struct home home;
	struct ask ask;
	struct meet meet;
	unsigned closed;      /* standard descriptors that are not open */
	struct write_signals signals; /* as they were when we started */
	struct handover handed;
	bool refused;         /* there is a result, but not all of it can be had */
	struct lease lease;   /* of the key among machines */
	struct contest contest;
	char **argv;          /* the whole command line, "dpcache" and "run" before it */
};

/* --- without the cache --- */

static struct spawn command_of(struct job *j)
{
	return (struct spawn){.exe = j->o.exe,
	                      .argv = j->o.question.argv,
	                      .envp = environ,
	                      .in = j->o.use_stdin ? -1 : SPAWN_NO_INPUT,
	                      .out = -1,
	                      .err = -1,
	                      .signals = &j->signals};
}

/* What is left to do when a command of ours has run: see its keeper gone, and
 * end by a signal if that was sent to us and the command died of it, so that
 * who started us learns of that. The exit status else. */
static int end_like(const struct captured *result, int status)
{
	sigset_t set;
	keeper_reap(result->keeper);
	if (!result->signal || !WIFSIGNALED(result->status) || WTERMSIG(result->status) != result->signal)
		return status;
	/* One core file, the command's, is enough. */
	prctl(PR_SET_DUMPABLE, 0);
	signal(result->signal, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, result->signal);
	raise(result->signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return status;
}

/* What our caller has seen of a run that did not come to its end; NULL: nothing. */
static struct resume *shown_of(struct job *j)
{
	static struct resume handed_over;
	if (meet_has_shown(&j->meet))
		return &j->meet.live->given;
	return j->handed.shown && resume_decode(&handed_over, j->handed.shown, NULL) == DPC_OK ? &handed_over : NULL;
}

static int end_bare(struct job *j, const struct captured *result)
{
	int status = capsule_exit_status(result->status);
	if (result->exec_errno)
		status = report_exec_failure(&j->o, result->exec_errno);
	else if (result->output_error.code < 0)
		status = serve_conflict(&result->output_error);
	return end_like(result, status);
}

/* The command and nothing else: its streams are ours, its status too. With
 * --max-run somebody has to stay and watch; and where some of its output went out
 * already, to leave that out. */
static int run_bare(struct job *j, const char *reason)
{
	struct decision d = {.status = "bypass", .reason = reason, .exit_status = -1};
	options_resolve(&j->o);
	if (j->o.exe_errno)
		return report_exec_failure(&j->o, j->o.exe_errno);
	report_decision(&j->o, &d);
	struct capture c = {.command = command_of(j), .max_run = j->o.policy.max_run,
	                    .merged = j->o.question.merged};
	c.given = shown_of(j);
	if ((c.max_run || c.given) && !(j->closed & 6)) {
		struct captured result;
		dpc_error err = {0};
		if (capture_run(&result, &c, &err) == DPC_OK)
			return end_bare(j, &result);
		if (c.given)
			return serve_conflict(&err);
	}
	return report_exec_failure(&j->o, spawn_become(&c.command));
}

/* A broken cache is a miss, never a failed command. */
static int run_despite(struct job *j, const dpc_error *err)
{
	meet_abandon(&j->meet);
	if (j->handed.behind)
		return 0;
	if (j->o.require_cache) {
		report_error("%s", err->message);
		return EXIT_USAGE;
	}
	report_warning("%s; running uncached", err->message);
	return run_bare(j, err->message);
}

/* --- among machines --- */

static enum lease_outcome enter(void *context, const struct digest *key, int64_t deadline, dpc_error *err)
{
	struct job *j = context;
	return j->lease.held ? LEASE_HELD : lease_contend(&j->lease, &j->home, key, deadline, NULL, NULL, err);
}

static void leave(void *context)
{
	struct job *j = context;
	lease_end(&j->lease);
}

/* --- as the leader, or alone --- */

/* What the command's environment has besides ours: the keys that are being run. */
static char *running_with(const struct digest *key)
{
	char hex[DIGEST_HEX], *entry;
	const char *outer = getenv(MEET_RUNNING);
	digest_hex(hex, key);
	int n = asprintf(&entry, "%s=%s%s%s", MEET_RUNNING, outer ? outer : "", outer ? ":" : "", hex);
	return n < 0 ? NULL : entry;
}

/* A run that cannot be traced is not remembered. */
static struct trace *begin_trace(struct job *j, struct trace *t, struct spawn *command, dpc_error *cache_err)
{
	char directory[PATH_MAX];
	*t = TRACE_NONE;
	if (!ask_is_traced(&j->ask) || j->o.policy.no_write)
		return NULL;
	const struct question *q = &j->o.question;
	if (!trace_directory(directory, sizeof directory) ||
	    trace_begin(t, directory, q->trace == TRACE_STRICT, question_has_outputs(q), cache_err) != DPC_OK)
		return NULL;
	return trace_dress(t, command, cache_err) == DPC_OK ? t : NULL;
}

static enum event event_of(enum kept kept)
{
	return kept == KEPT ? EVENT_MISS : kept == KEPT_FAILURE ? EVENT_FAILURE : EVENT_UNCACHED;
}

/* Why what was remembered did not do; NULL where nothing was. */
static const char *why_again(const struct job *j)
{
	const struct ask *a = &j->ask;
	if (j->refused)
		return "an output cannot be put back";
	return a->found && a->verdict != VERDICT_FRESH ? lookup_verdict_name(a->verdict) : NULL;
}

/* The run failed, and an old result is there for that. */
static int serve_old(struct job *j)
{
	uint64_t events;
	dpc_error err = {0};
	j->ask.verdict = j->meet.old_verdict;
	int status = serve_answer(&j->o, &j->meet, &j->meet.old, MEET_STALE, &events, &err);
	return status == SERVE_REFUSED ? serve_conflict(&err) : status;
}

static int conclude(struct job *j, const struct lead *l, const struct captured *result,
                    const dpc_error *cache_err)
{
	const dpc_error *trouble = j->meet.store_error.code < 0 ? &j->meet.store_error : cache_err;
	int status = capsule_exit_status(result->status);
	if (trouble->code < 0)
		report_warning("%s%s", trouble->message, l->kept == KEPT ? "" : "; the result is not remembered");
	if (result->ended_by_max_run)
		report_warning("%s: ended after --max-run", j->o.question.argv[0]);
	if (result->output_error.code < 0) {
		report_error("%s", result->output_error.message);
		status = EXIT_USAGE;
	}
	if (j->meet.store_error.code == DPC_E_DENIED)
		events_append(&j->home, EVENT_REFUSED, &l->key, 0);
	uint64_t events = events_append(&j->home, event_of(l->kept), &l->key, 0);
	if (events > EVENTS_ENOUGH)
		stats_count(&j->home, NULL);
	char text[KEPT_REASON];
	const char *again = why_again(j);
	struct decision d = {
	    .status = j->handed.behind ? "refresh" : "miss",
	    .reason = l->kept == KEPT && again ? again : kept_reason(l, text),
	    .ask = &j->ask,
	    .exit_status = status,
	};
	report_decision(&j->o, &d);
	return status;
}

/* What an old result is to the run that may replace it. */
static void consider_old(struct lead *l, const struct meet *m)
{
	if (!m->old.bytes.data)
		return;
	l->expected = m->old.capsule.cost;
	if (m->old_verdict == VERDICT_EXPIRED)
		return;
	l->old = &m->old;
	/* What was refreshed ahead of expiry is still as good as any: no failure is an
	 * answer in its place. */
	bool fresh = m->refresh_of && m->old_verdict <= VERDICT_EARLY;
	l->hold = m->ask->policy->stale_if_error > 0 || fresh;
}

/* There is no command. A failure like any other, where there is an old result. */
static int fail_to_execute(struct job *j, const struct lead *l)
{
	if (l->old)
		backoff_note(&j->home, &j->ask.run);
	meet_abandon(&j->meet);
	return l->hold ? serve_old(j) : report_exec_failure(&j->o, j->o.exe_errno);
}

static int run_and_remember(struct job *j)
{
	dpc_error err = {0}, cache_err = {0};
	struct captured result = {0};
	struct trace trace;
	options_resolve(&j->o);
	struct capture c = {.command = command_of(j), .merged = j->o.question.merged,
	                    .max_run = j->o.policy.max_run};
	struct lead l = {.ask = &j->ask, .capture = &c, .lock = j->meet.lock, .lease = &j->lease};
	consider_old(&l, &j->meet);
	c.given = shown_of(j);
	/* Behind our caller's back nobody looks on; and of what was begun to be shown,
	 * nothing can be held back. */
	l.hold &= !j->handed.behind && !c.given;
	if (j->o.exe_errno)
		return fail_to_execute(j, &l);
	j->meet.lock = -1;
	char *added[] = {running_with(&j->ask.run), NULL};
	char **envp = added[0] ? environment_with(added) : NULL;
	if (envp)
		c.command.envp = envp;
	l.trace = begin_trace(j, &trace, &c.command, &cache_err);
	/* A store that could not be read will not be written either. */
	bool in_vain = j->meet.store_down || (ask_is_traced(&j->ask) && !l.trace && !j->o.policy.no_write);
	j->o.policy.no_write |= in_vain;
	int rc = lead_run(&result, &l, &cache_err, &err);
	lease_end(&j->lease);
	bool failed = rc == DPC_OK && kept_is_failure(l.kept, &result);
	if (in_vain)
		l.kept = KEPT_ERROR;
	int status;
	if (rc != DPC_OK)
		status = run_despite(j, &err);
	else if (l.hold && failed)
		status = serve_old(j);
	else if (result.exec_errno)
		status = report_exec_failure(&j->o, result.exec_errno);
	else
		status = conclude(j, &l, &result, &cache_err);
	free(envp);
	free(added[0]);
	trace_release(&trace);
	return end_like(&result, status);
}

static int give_up_waiting(struct job *j)
{
	if (j->o.on_timeout == ON_TIMEOUT_STALE && j->meet.old.bytes.data)
		return serve_old(j);
	if (j->o.on_timeout != ON_TIMEOUT_FAIL)
		return run_bare(j, "waited long enough for another's run");
	report_error("%s: still being run by another process; gave up waiting", j->o.question.argv[0]);
	struct decision d = {.status = "timeout", .ask = &j->ask, .exit_status = j->o.timeout_status};
	report_decision(&j->o, &d);
	return j->o.timeout_status;
}

/* --- the way through --- */

/* As whoever was sent here to refresh. */
static int refresh_now(struct job *j)
{
	j->meet.old = j->meet.answer;
	j->meet.old_verdict = j->ask.verdict;
	j->meet.answer = ANSWER_NONE;
	dpc_error err = {0};
	int rc = ask_observe(&j->ask, &err);
	return rc == DPC_OK ? run_and_remember(j) : run_despite(j, &err);
}

/* What there is cannot be had here: a miss, and for nobody but us. */
static int run_instead(struct job *j)
{
	dpc_error err = {0};
	j->refused = true;
	answer_release(&j->meet.answer);
	int rc = ask_observe(&j->ask, &err);
	return rc == DPC_OK ? run_and_remember(j) : run_despite(j, &err);
}

static int serve(struct job *j, enum meeting how)
{
	uint64_t events;
	dpc_error err = {0};
	int status = serve_answer(&j->o, &j->meet, &j->meet.answer, how, &events, &err);
	return status == SERVE_REFUSED ? run_instead(j) : status;
}

static int serve_and_refresh(struct job *j)
{
	bool foreground = refresh_is_foreground(&j->o);
	if (foreground && meet_take_refresh(&j->meet))
		return refresh_now(j);
	int status = serve(j, MEET_REFRESH);
	if (!foreground && !j->refused)
		refresh_behind(status, &j->o, &j->meet, j->argv, &j->signals);
	return status;
}

static int meet(struct job *j)
{
	dpc_error err = {0};
	enum meeting how;
	uint64_t events;
	static struct onlook look;
	onlook_begin(&look, &j->o, &j->meet);
	if (j->handed.shown)
		onlook_go_on(&look, &j->meet, j->handed.shown);
	int rc = meet_callers(&how, &j->meet, &err);
	onlook_end(&look);
	if (rc != DPC_OK && meet_has_shown(&j->meet))
		return serve_broken_off(&j->o, &j->meet, &err);
	if (rc == DPC_E_IO && !j->ask.has_key) {
		/* An input that cannot be read: the question cannot even be asked. */
		report_error("%s", err.message);
		return EXIT_USAGE;
	}
	if (rc != DPC_OK)
		return run_despite(j, &err);
	bool running = how == MEET_LEAD || how == MEET_ALONE;
	if (running && j->o.require_cache && vault_probe(&j->home, &err) != DPC_OK)
		return run_despite(j, &err);
	if (j->handed.behind && !running) {
		meet_abandon(&j->meet);
		return 0;
	}
	switch (how) {
	case MEET_REFRESH:
		return serve_and_refresh(j);
	case MEET_HIT:
	case MEET_STALE:
	case MEET_FOLLOWED:
		return serve(j, how);
	case MEET_SHOWN:
		return serve_shown(&j->o, &j->meet, &events);
	case MEET_NESTED:
		report_warning("%s: asked for within its own run; running it uncached", j->o.question.argv[0]);
		return run_bare(j, "asked for within its own run");
	case MEET_TIMED_OUT:
		return give_up_waiting(j);
	case MEET_STORE: /* not with fetch */
	case MEET_LEAD:
	case MEET_ALONE:
		return run_and_remember(j);
	}
	return EXIT_USAGE;
}

static int run_cached(struct job *j)
{
	dpc_error err = {0};
	int rc = store_locate(&j->home, j->o.store, &err);
	if (rc == DPC_OK)
		rc = home_create(&j->home, &err);
	if (rc == DPC_MISS && !j->o.require_cache)
		return run_bare(j, err.message);
	if (rc == DPC_OK)
		rc = store_join(&j->home, &err);
	if (rc != DPC_OK)
		return run_despite(j, &err);
	if (*j->home.notice)
		report_warning("%s", j->home.notice);
	j->contest = (struct contest){enter, leave, j};
	if (lease_is_needed(&j->home))
		j->meet.contest = &j->contest;
	rc = options_settle(&j->o, &j->home, &err);
	if (rc != DPC_OK || j->o.exe_errno)
		meet_abandon(&j->meet);
	if (j->handed.behind)
		j->o.question.merged = j->handed.merged;
	if (rc != DPC_OK) {
		report_error("%s", err.message);
		return EXIT_USAGE;
	}
	if (j->o.exe_errno)
		return report_exec_failure(&j->o, j->o.exe_errno);
	rc = ask_init(&j->ask, &j->home, &j->o.policy, &j->o.question,
	              j->o.exe[0] && !j->o.no_exe ? j->o.exe : NULL, &err);
	if (rc != DPC_OK)
		return run_despite(j, &err);
	if (j->handed.kind == HANDOVER_TIMED_OUT)
		return give_up_waiting(j);
	if (j->handed.kind == HANDOVER_ALONE)
		j->o.policy.no_coalesce = true;
	return meet(j);
}

static unsigned closed_descriptors(void)
{
	unsigned closed = 0;
	/* main filled the gaps with descriptors that end at exec. */
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) & FD_CLOEXEC)
			closed |= 1u << fd;
	return closed;
}

int cmd_run(const struct command *self, char **words)
{
	static struct job j;
	dpc_error err = {0};
	j.home.fd = -1;
	j.ask.home = &j.home;
	j.lease = LEASE_NONE_YET;
	j.meet = MEET_OF(&j.ask, vault_fetch);
	j.argv = words - 2;
	handover_take(&j.handed);
	j.meet.lock = j.handed.lock;
	j.meet.lock_key = j.handed.key;
	j.meet.refresh_of = j.handed.created;
	int rc = options_parse(&j.o, self->options, words, &err);
	if (rc != DPC_OK) {
		report_error("%s", err.message);
		return EXIT_USAGE;
	}
	if (j.o.help)
		return cmd_help(self);
	if (j.handed.behind)
		j.o.status_file = NULL;
	j.closed = closed_descriptors();
	os_hold_write_signals(&j.signals);
	if (j.o.no_cache)
		return run_bare(&j, "the cache is switched off");
	if ((j.closed & 6) || (j.o.use_stdin && (j.closed & 1))) {
		dpc__fail(&err, DPC_E_IO, "a standard stream is closed");
		return run_despite(&j, &err);
	}
	return run_cached(&j);
}
