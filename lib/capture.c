#include "capture.h"

#include "keeper.h"
#include "os.h"
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a command has, after --max-run's SIGTERM, before SIGKILL. */
static const int64_t LAST_WORDS = INT64_C(5) * 1000000000;

/* And a slow reader, when we are asked to end. */
static const int64_t LAST_LOOK = INT64_C(200) * 1000000;

struct run {
	struct capture *c;
	struct captured *result;
	struct relay out, err; /* err unused when merged */
	struct keeper keeper;
	bool dead;             /* the command itself has ended */
	int64_t started, deadline; /* clock_mono_ns */
	int next_signal;       /* what the deadline brings: SIGTERM, then SIGKILL */
	int64_t tick_at;       /* clock_mono_ns */
};

/* --- signals that are the command's to have --- */

static volatile sig_atomic_t passed[NSIG];
static volatile sig_atomic_t last_passed;
static const struct keeper *volatile passed_to;

static void pass_on(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	(void)context;
	passed[number] = 1;
	last_passed = number;
	/* What the terminal sends goes to the whole foreground group: the command
	 * has its own already. */
	if (info->si_code <= 0 && passed_to)
		keeper_signal(passed_to, number);
	errno = saved;
}

static const int passed_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { PASSED = sizeof passed_signals / sizeof *passed_signals };

static void take_signals(struct sigaction before[PASSED])
{
	struct sigaction ours = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO};
	last_passed = 0;
	passed_to = NULL;
	for (int i = 0; i < PASSED; i++) {
		passed[passed_signals[i]] = 0;
		sigaction(passed_signals[i], NULL, &before[i]);
		/* nohup and background jobs: what was ignored stays so. */
		if (before[i].sa_handler != SIG_IGN)
			sigaction(passed_signals[i], &ours, NULL);
	}
}

static void return_signals(const struct sigaction before[PASSED])
{
	passed_to = NULL;
	for (int i = 0; i < PASSED; i++)
		sigaction(passed_signals[i], &before[i], NULL);
}

/* Those that came while there was nobody to pass them to go now. */
static void pass_to(const struct keeper *k)
{
	passed_to = k;
	for (int i = 0; i < PASSED; i++)
		if (passed[passed_signals[i]])
			keeper_signal(k, passed_signals[i]);
}

/* By which of them we were asked to end: the one that the command died of, else
 * the last. */
static int asked_to_end(int status)
{
	return WIFSIGNALED(status) && passed[WTERMSIG(status)] ? WTERMSIG(status) : last_passed;
}

/* --- the copy --- */

static enum stream stream_of(const struct run *r, const struct relay *y)
{
	return y == &r->err ? STREAM_ERR : STREAM_OUT;
}

void capture_finish(struct captured *result, struct capture *c)
{
	for (int i = 0; i < 2; i++) {
		int error = laggard_finish(&c->laggards[i], result->signal ? LAST_LOOK : DPC_FOREVER);
		if (!error || error == EPIPE || result->output_error.code)
			continue;
		errno = error;
		dpc__fail_errno(&result->output_error, "cannot write to %s", i ? "stderr" : "stdout");
	}
}

static void record(struct run *r, const struct relay *from)
{
	struct captured *k = r->result;
	if (!k->recorded)
		return;
	while (recorder_append(r->c->recorder, stream_of(r, from), from->data + from->fresh, from->size - from->fresh,
	                       &k->record_error) != DPC_OK) {
		/* What is recorded may be gone in a moment. */
		capture_finish(k, r->c);
		if (!r->c->refused(r->c->context, &k->record_error)) {
			k->recorded = false;
			return;
		}
	}
}

static void check_sink(struct run *r, struct relay *y)
{
	if (y->sink_errno && y->sink_errno != EPIPE && !r->result->output_error.code) {
		errno = y->sink_errno;
		dpc__fail_errno(&r->result->output_error, "cannot write to %s",
		                y->to == 2 ? "stderr" : "stdout");
	}
	/* Nobody reads it and nobody keeps it: let the command meet SIGPIPE, as
	 * it would have without us. */
	if (y->sink_errno && !r->result->recorded)
		relay_close(y);
}

/* The caller has seen other things than this run says: nothing more goes out, but
 * it may still be remembered. */
static void fall_silent(struct run *r)
{
	relay_drop(&r->out);
	relay_drop(&r->err);
	r->out.sink_errno = r->err.sink_errno = EPIPE;
}

static int order_differs(struct run *r)
{
	return dpc__fail(&r->result->output_error, DPC_E_CONFLICT,
	                 "the run died half-way, and the next one's output came in another order");
}

/* Leave out of what came what was given already. Nothing new of either stream goes
 * out before that has come again of both. */
static int leave_out_given(struct run *r, struct relay *y)
{
	struct resume *given = r->c->given;
	const uint8_t *rest = (const uint8_t *)y->data + y->fresh;
	size_t left = y->size - y->fresh;
	int rc = resume_filter(given, stream_of(r, y), &rest, &left, &r->result->output_error);
	if (rc != DPC_OK)
		return rc;
	bool met = resume_is_met(given);
	if (met) {
		relay_let_go(&r->out);
		relay_let_go(&r->err);
	}
	if (y->sink_errno)
		return DPC_OK;
	if (!y->held)
		y->sent = y->size - left;
	return met || !left || (relay_hold(y) && y->size <= RELAY_HELD) ? DPC_OK : order_differs(r);
}

static void skip_given(struct run *r, struct relay *y)
{
	if (r->c->given && y->fresh < y->size && leave_out_given(r, y) != DPC_OK)
		fall_silent(r);
}

/* --- slow readers --- */

static struct laggard *laggard_of(const struct run *r, const struct relay *y)
{
	return &r->c->laggards[y == &r->err];
}

/* Could what goes to `y` as well be taken from what is recorded? */
static bool may_lag(const struct run *r, const struct relay *y)
{
	bool met = !r->c->given || resume_is_met(r->c->given);
	return y->careful && r->result->recorded && r->c->recorder->fd >= 0 && !r->c->hold && met;
}

static bool is_waiting(const struct run *r, const struct relay *y)
{
	return y->sent < y->size && !relay_wants_input(y) && may_lag(r, y);
}

/* How much of the run's stream its reader has. */
static uint64_t taken(const struct run *r, const struct relay *y)
{
	const struct resume *given = r->c->given;
	return y->passed + (given ? given->streams[y == &r->err].given : 0);
}

/* Nobody has taken anything for so long that they are slow, in ns. */
static const int64_t SLOW = INT64_C(100) * 1000000;

static void leave_behind(struct run *r, struct relay *y)
{
	if (!is_waiting(r, y) || clock_mono_ns() - y->moved < SLOW)
		return;
	if (laggard_start(laggard_of(r, y), r->c->recorder->fd, stream_of(r, y), taken(r, y), y->to))
		relay_drop(y);
}

/* Poll found input when the buffer was empty, else room for what is in it. */
static void pump(struct run *r, struct relay *y, bool blocking)
{
	if (relay_wants_input(y)) {
		if (relay_fill(y)) {
			record(r, y);
			skip_given(r, y);
		}
		if (r->c->hold || laggard_of(r, y)->pid)
			relay_drop(y);
		/* What may block waits until poll finds room. */
		if (blocking || !y->careful)
			relay_drain(y, blocking);
	} else {
		relay_drain(y, blocking);
	}
	check_sink(r, y);
}

/* --- the loop --- */

static int64_t sooner(const struct run *r, const struct relay *y, int64_t than)
{
	return is_waiting(r, y) && y->moved + SLOW < than ? y->moved + SLOW : than;
}

static int poll_time(const struct run *r)
{
	int64_t until = sooner(r, &r->out, sooner(r, &r->err, r->deadline < r->tick_at ? r->deadline : r->tick_at));
	if (until == DPC_FOREVER)
		return -1;
	int64_t left = until - clock_mono_ns();
	return left <= 0 ? 0 : (int)(left / 1000000) + 1;
}

static void enforce_deadline(struct run *r)
{
	if (r->dead || r->deadline == DPC_FOREVER || clock_mono_ns() < r->deadline)
		return;
	keeper_signal(&r->keeper, r->next_signal);
	r->result->ended_by_max_run = true;
	r->deadline = r->next_signal == SIGTERM ? clock_mono_ns() + LAST_WORDS : DPC_FOREVER;
	r->next_signal = SIGKILL;
}

static void tick(struct run *r)
{
	if (r->c->tick && clock_mono_ns() >= r->tick_at)
		r->tick_at = r->c->tick(r->c->tick_context);
}

static void step(struct run *r)
{
	struct relay *relays[2] = {&r->out, &r->err};
	struct pollfd p[3];
	/* With one stream left and no clock to watch, blocking harms nobody, as long as
	 * nobody asks us to end. */
	bool blocking = (relay_is_idle(&r->out) || relay_is_idle(&r->err)) && !r->c->max_run && !last_passed &&
	                !r->c->tick && !may_lag(r, &r->out) && !may_lag(r, &r->err);
	for (int i = 0; i < 2; i++)
		relay_poll(relays[i], &p[i]);
	p[2] = (struct pollfd){.fd = r->dead ? -1 : r->keeper.ending, .events = POLLIN};
	int n = poll(p, 3, poll_time(r));
	enforce_deadline(r);
	tick(r);
	if (n < 0)
		return;
	if (p[2].revents)
		r->dead = true;
	for (int i = 0; i < 2; i++)
		if (p[i].revents)
			pump(r, relays[i], blocking);
		else
			leave_behind(r, relays[i]);
}

/* Something may still come, or go out. What is held when nothing comes any more will
 * never be let go. */
static bool has_more(const struct relay *y)
{
	return y->from >= 0 || (y->sent < y->size && !y->held);
}

/* Output ends when everybody who could write has closed it: what a background
 * child of the command still prints belongs to it, as in $(…). The command's own
 * end is enough past --max-run, or when we were asked to end. */
static bool finished(const struct run *r)
{
	if (r->dead && (r->result->ended_by_max_run || last_passed))
		return true;
	return !has_more(&r->out) && !has_more(&r->err) && (r->dead || r->keeper.ending < 0);
}

/* What the command wrote before it ended, and was not waited for: as much as is
 * there, and is taken at once. */
static void take_last_words(struct run *r, struct relay *y)
{
	struct pollfd p;
	bool filled = false;
	while (has_more(y)) {
		relay_poll(y, &p);
		filled |= p.events == POLLIN;
		if (poll(&p, 1, 0) <= 0)
			break;
		pump(r, y, false);
		if (filled && y->sent == y->size)
			break;
	}
}

static int open_pipe(struct relay *y, int *write_end, int to, dpc_error *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return dpc__fail_errno(err, "cannot open a pipe");
	ends[0] = os_raise_fd(ends[0]);
	ends[1] = os_raise_fd(ends[1]);
	*write_end = ends[1];
	if (ends[0] < 0 || ends[1] < 0) {
		int rc = dpc__fail_errno(err, "cannot keep a pipe open");
		if (ends[0] >= 0)
			close(ends[0]);
		return rc;
	}
	return relay_init(y, ends[0], to) ? DPC_OK : dpc__fail(err, DPC_E_MEMORY, "out of memory");
}

static int start(struct run *r, dpc_error *err)
{
	struct spawn *s = &r->c->command;
	int out = -1, errs = -1;
	int rc = open_pipe(&r->out, &out, 1, err);
	if (rc == DPC_OK && !r->c->merged)
		rc = open_pipe(&r->err, &errs, 2, err);
	if (rc == DPC_OK) {
		s->out = out;
		s->err = r->c->merged ? out : errs;
		r->started = clock_mono_ns();
		if (keeper_start(&r->keeper, s, r->c->recorder ? r->c->recorder->fd : -1) < 0)
			rc = dpc__fail_errno(err, "cannot start a process");
	}
	if (out >= 0)
		close(out);
	if (errs >= 0)
		close(errs);
	return rc;
}

static int attend(struct run *r, dpc_error *err)
{
	struct captured *k = r->result;
	struct ending end;
	if (r->c->max_run) {
		r->deadline = r->started + r->c->max_run;
		r->next_signal = SIGTERM;
	}
	pass_to(&r->keeper);
	while (!finished(r))
		step(r);
	take_last_words(r, &r->out);
	take_last_words(r, &r->err);
	keeper_await(&r->keeper, &end);
	passed_to = NULL;
	keeper_dismiss(&r->keeper);
	k->keeper = r->keeper.pid;
	k->exec_errno = end.exec_errno;
	k->status = end.status;
	k->cost = clock_mono_ns() - r->started;
	k->signal = asked_to_end(k->status);
	/* Ended by us, it may well have said less than was given; but not with success. */
	bool cut_short = (k->signal || k->ended_by_max_run) && capsule_exit_status(k->status) != 0;
	if (r->c->given && !k->output_error.code && !cut_short)
		resume_end(r->c->given, &k->output_error);
	if (end.lost && k->recorded) {
		k->recorded = false;
		dpc__fail(&k->record_error, DPC_E_IO, "the process that watches the command was killed");
	}
	if (!end.start_errno)
		return DPC_OK;
	/* Somebody will try otherwise, and shall find no child that is not his. */
	keeper_reap(k->keeper);
	k->keeper = 0;
	errno = end.start_errno;
	return dpc__fail_errno(err, "cannot start a process");
}

int capture_run(struct captured *result, struct capture *c, dpc_error *err)
{
	struct sigaction before[PASSED];
	struct run r = {.c = c, .result = result, .deadline = DPC_FOREVER, .tick_at = c->tick ? 0 : DPC_FOREVER,
	                .out = RELAY_NONE, .err = RELAY_NONE};
	*result = (struct captured){.recorded = c->recorder != NULL};
	c->laggards[0] = c->laggards[1] = LAGGARD_NONE;
	take_signals(before);
	int rc = start(&r, err);
	if (rc == DPC_OK)
		rc = attend(&r, err);
	return_signals(before);
	relay_release(&r.out);
	relay_release(&r.err);
	return rc;
}
