/* torture BUILD WORKER: many callers, few keys, and everything that can go wrong.
 *
 *   SEED=N     what is done (when everybody gets their turns nobody can repeat)
 *   ROUNDS=N   how many rounds (default 20)
 *   SECONDS=N  begin no further round after that long (default: no limit)
 *
 * A round starts some hundred callers of dpcache run, most for one key, and at
 * random kills and stops leaders, followers, commands and who refreshes behind
 * somebody's back, and forgets, prunes and checks the cache under them. Asserted:
 *   - whoever was not killed gets one run of its own key, byte for byte; who looked on
 *     at one that broke off gets the beginning of that, and is told (judge.c);
 *   - of a key one run is at work at a time (worker.c, met);
 *   - who came after an invalidation had returned gets no run from before it, who
 *     wants a fresh one gets that, and nobody gets one older than it said (judge.c);
 *   - everybody ends (hangs);
 *   - after a round there is nothing left but what a kill leaves, doctor --fix takes
 *     that away, and no process is left.
 *
 * Exit status: 0, 1 for a violation, 2 when there can be no verdict. */
#include "chaos.h"
#include "judge.h"
#include "party.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int64_t MS = 1000000, HANGS = INT64_C(60000) * 1000000;
enum { CROWD = 300, STOPPED_RUNS = 8 };

static char work[PATH_MAX], dpcache[PATH_MAX], worker[PATH_MAX];
static int64_t barrier[SAID_KINDS];
static int64_t last_end;
static sigset_t wake_up; /* a child's end, and what ends us */

static struct {
	long callers, helpers, kills, stops, orphans;
} total;

/* --- one run at a time --- */

static void begun(struct run *r)
{
	for (int i = 0; i < 2 && r->leader < 0; i++)
		r->leader = (int)party_find(r->above[i]);
}

static void met(const struct overlap *o)
{
	const struct run *other = o->other;
	bool left_behind = other && other->leader >= 0 && party.members[other->leader].killed;
	complain(o->run->kind, "run %016llx of pid %d found run %016llx of pid %d at work at %.6f%s",
	         (unsigned long long)o->run->id, o->run->pid, other ? (unsigned long long)other->id : 0,
	         other ? other->pid : 0, seconds(o->at), left_behind ? ", whose leader was killed" : "");
}

/* --- who comes --- */

struct words {
	char *v[32];
	int n;
	char text[2][PATH_MAX];
};

static void say(struct words *w, const char *word)
{
	w->v[w->n++] = (char *)word;
}

static void say_both(struct words *w, const char *option, const char *value)
{
	say(w, option);
	say(w, value);
}

static int64_t any_ttl(const char **text)
{
	static const struct {
		const char *text;
		int64_t ns;
	} ttls[] = {{"0", 0}, {"1ms", 1000000}, {"20ms", 20000000}, {"200ms", 200000000}, {"1h", 3600000000000}};
	unsigned i = dice(sizeof ttls / sizeof *ttls);
	*text = ttls[i].text;
	return ttls[i].ns;
}

static void say_how_long(struct words *w)
{
	if (one_in(12)) {
		say_both(w, "--wait", one_in(2) ? "5ms" : "50ms");
		say_both(w, "--on-timeout", "fail");
		say_both(w, "-E", "76");
	} else if (one_in(8)) {
		/* Another way to wait: by asking time and again. */
		say_both(w, "--wait", "1h");
	}
}

/* What may be answered past the ttl, and whose runs then go on behind their callers'
 * backs. */
static void say_windows(struct words *w, struct member *m)
{
	const char *text;
	if (m->refresh || !one_in(3))
		return;
	m->window = any_ttl(&text);
	if (one_in(4)) {
		say_both(w, "--stale-if-error", text);
		return;
	}
	say_both(w, "--stale", text);
	if (one_in(4))
		say_both(w, "--refresh-mode", "fg");
}

static void say_question(struct words *w, enum said_kind kind, bool calm)
{
	if (kind != SAID_QUESTION)
		say_both(w, "--key", said_names[kind]);
	if (kind == SAID_OVER) {
		say_both(w, "--max-output", "64k");
		if (!calm && one_in(6))
			say(w, "--no-coalesce");
	}
	say_both(w, "--", worker);
	say_both(w, work, said_names[kind]);
}

static size_t call(enum said_kind kind, bool calm)
{
	struct words w = {.n = 0};
	struct member m = {.errand = RUN, .kind = kind, .barrier = barrier[kind]};
	const char *ttl, *ttl_fail;
	m.ttl = any_ttl(&ttl);
	m.ttl_fail = any_ttl(&ttl_fail);
	m.refresh = calm || one_in(10);
	say_both(&w, dpcache, "run");
	say_both(&w, "--ttl", ttl);
	say_both(&w, "--ttl-fail", ttl_fail);
	if (m.refresh)
		say(&w, "--refresh");
	else if (one_in(30))
		say(&w, "--no-write");
	say_windows(&w, &m);
	m.follow = !calm && one_in(4);
	if (m.follow)
		say_both(&w, "--follow", "always");
	else if (!calm && kind != SAID_OVER)
		say_how_long(&w);
	say_question(&w, kind, calm);
	size_t who = party_start(&m, w.v);
	note((int)kind, "pid %d: run --ttl %s --ttl-fail %s%s%s, window %.3f s", party.members[who].pid, ttl, ttl_fail,
	     m.refresh ? " --refresh" : "", m.follow ? " --follow" : "", (double)m.window / 1e9);
	total.callers++;
	return who;
}

static void help(enum errand errand, enum said_kind kind, const char *a, const char *b, const char *c)
{
	struct member m = {.errand = errand, .kind = kind};
	char *argv[] = {dpcache, (char *)a, (char *)b, (char *)c, NULL};
	size_t who = party_start(&m, argv);
	note(errand == FORGET ? (int)kind : -1, "pid %d: %s %s %s", party.members[who].pid, a, b ? b : "", c ? c : "");
	total.helpers++;
}

static void forget(enum said_kind kind)
{
	if (kind == SAID_QUESTION)
		help(FORGET, kind, "invalidate", "--match", "*question*");
	else
		help(FORGET, kind, one_in(2) ? "invalidate" : "rm", said_names[kind], NULL);
}

static void any_help(enum said_kind kind)
{
	switch (dice(8)) {
	case 0:
		help(FORGET_ALL, kind, "invalidate", "--all", NULL);
		break;
	case 1:
		help(PRUNE, kind, "prune", one_in(2) ? "--max-entries" : "--max-size", one_in(2) ? "0" : "2");
		break;
	case 2:
		help(DOCTOR, kind, "doctor", NULL, NULL);
		break;
	default:
		forget(kind);
	}
}

/* --- who ends --- */

static void raise_barrier(const struct member *m)
{
	for (int k = 0; k < SAID_KINDS; k++)
		if ((m->errand == FORGET_ALL || k == (int)m->kind) && barrier[k] < m->came)
			barrier[k] = m->came;
}

static void gone(size_t who, int status)
{
	const struct member *m = &party.members[who];
	bool forgets = m->errand == FORGET || m->errand == FORGET_ALL;
	note(m->errand == RUN || m->errand == FORGET ? (int)m->kind : -1, "pid %d ended, %s %d%s", m->pid,
	     WIFEXITED(status) ? "status" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
	     m->killed ? " (killed by us)" : "");
	/* 1: there was nothing to forget. */
	if (forgets && WIFEXITED(status) && WEXITSTATUS(status) <= 1)
		raise_barrier(m);
	judge(who, status);
}

/* Take in all ends there are. False when there is nobody left. */
static bool reap(void)
{
	int status;
	long who;
	while ((who = party_reap(&status)) >= 0 || who == PARTY_STRANGER) {
		last_end = now_ns();
		if (who >= 0)
			gone((size_t)who, status);
	}
	return who != PARTY_NOBODY;
}

static void wait_for_an_end(int64_t ns)
{
	struct timespec t = {ns / 1000000000, ns % 1000000000};
	int signal = sigtimedwait(&wake_up, NULL, &t);
	if (signal > 0 && signal != SIGCHLD)
		exit(2);
}

/* --- what goes wrong --- */

static struct run *stopped_runs[STOPPED_RUNS];

static void stop_run(struct run *r)
{
	unsigned i = dice(STOPPED_RUNS);
	if (!r || stopped_runs[i])
		return;
	stopped_runs[i] = r;
	party_signal_run(r, SIGSTOP);
	note((int)r->kind, "stopped the command, pid %d", r->pid);
	total.stops++;
}

/* Each for a random number of actions; or all. */
static void continue_runs(bool all)
{
	for (int i = 0; i < STOPPED_RUNS; i++)
		if (stopped_runs[i] && (all || one_in(10))) {
			party_signal_run(stopped_runs[i], SIGCONT);
			stopped_runs[i] = NULL;
		}
}

static void kill_run(struct run *r)
{
	if (!r)
		return;
	note((int)r->kind, "killing the command, pid %d", r->pid);
	party_signal_run(r, SIGKILL);
	total.kills += r->killed;
}

static void kill_member(long who, const char *what)
{
	if (who < 0 || party.members[who].went || party.members[who].killed)
		return;
	note((int)party.members[who].kind, "killing %s, pid %d", what, party.members[who].pid);
	party_kill((size_t)who);
	total.kills++;
}

static void stop_member(long who)
{
	if (who < 0 || party.members[who].went || party.members[who].stopped_until)
		return;
	note((int)party.members[who].kind, "stopping pid %d", party.members[who].pid);
	party_stop((size_t)who, (1 + dice(80)) * MS);
	total.stops++;
}

static long leader_of(enum said_kind kind)
{
	const struct run *r = history_latest(kind);
	return r ? r->leader : -1;
}

static void dawdle(unsigned most_us)
{
	struct timespec t = {0, dice(most_us) * 1000L};
	nanosleep(&t, NULL);
}

static void harm_member(long who, const char *what)
{
	if (one_in(3))
		stop_member(who);
	else
		kill_member(who, what);
}

/* Of a run behind a caller's back. */
static void kill_refresh(struct run *r)
{
	if (r && r->leader < 0 && party_kill_parent(r)) {
		note((int)r->kind, "killed pid %d above pid %d", r->above[0], r->pid);
		total.kills++;
	}
}

/* The narrow moments: when a caller has just come … */
static void waylay(enum said_kind kind)
{
	size_t who = call(kind, false);
	dawdle(6000);
	harm_member((long)who, "one who has just come");
}

/* … and when a command has just ended, and its leader keeps the result and lets go. */
static void ambush(enum said_kind kind)
{
	const struct run *r = history_latest(kind);
	for (int patience = 200; r && !r->ended && patience; patience--) {
		dawdle(200);
		history_read();
	}
	if (r && r->ended) {
		dawdle(3000);
		harm_member(r->leader, "a leader whose command has ended");
	}
}

static void harm(enum said_kind kind)
{
	switch (dice(13)) {
	case 12:
		kill_refresh(history_latest(kind));
		break;
	case 0:
	case 1:
		kill_member(leader_of(kind), "the leader");
		break;
	case 2:
		kill_member(party_pick(RUN), "a caller");
		break;
	case 3:
		kill_run(history_latest(kind));
		break;
	case 4:
		stop_member(leader_of(kind));
		break;
	case 5:
		stop_member(party_pick(RUN));
		break;
	case 6:
		stop_run(history_latest(kind));
		break;
	case 7:
		kill_member(party_pick(FORGET), "one who forgets");
		break;
	case 8:
	case 9:
		waylay(kind);
		break;
	default:
		ambush(kind);
	}
}

/* --- a round --- */

struct round {
	enum said_kind focus;  /* what most ask for */
	unsigned callers;      /* still to come */
	unsigned burst;        /* at most so many at once */
	unsigned harms, helps; /* of 100 actions */
	unsigned pause;        /* up to so many microseconds between actions */
};

static enum said_kind any_kind(const struct round *r)
{
	return one_in(4) ? (enum said_kind)dice(SAID_KINDS) : r->focus;
}

static void act(struct round *r)
{
	unsigned what = dice(100);
	if (!r->callers)
		what %= r->harms + r->helps + 1;
	party_wake(false);
	continue_runs(false);
	history_read();
	if (what < r->harms) {
		harm(any_kind(r));
	} else if (what < r->harms + r->helps) {
		any_help(any_kind(r));
	} else {
		for (unsigned n = 1 + dice(r->burst); n && r->callers && party.here < CROWD; n--, r->callers--)
			call(any_kind(r), false);
	}
}

static void report_hang(void)
{
	complain(-1, "%zu processes hang", party.here);
	party_show();
	exit(1);
}

/* Nobody is harmed any more: all have to end. */
static void see_them_off(void)
{
	continue_runs(true);
	party_wake(true);
	last_end = now_ns();
	while (reap()) {
		wait_for_an_end(HANGS / 10);
		if (now_ns() - last_end > HANGS)
			report_hang();
	}
	history_read();
}

/* --- what is left --- */

/* A name that begins with a dot is that of a run outside the lock: nobody takes it
 * away but doctor. */
static void expect_no_locks(bool nor_hidden)
{
	char path[PATH_MAX + 16];
	struct dirent *e;
	snprintf(path, sizeof path, "%s/cache/locks", work);
	DIR *dir = opendir(path);
	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && (nor_hidden || e->d_name[0] != '.'))
			complain(-1, "%s/%s is left", path, e->d_name);
	if (dir)
		closedir(dir);
}

/* Its exit status. */
static int doctor(const char *fix)
{
	int status = 0;
	help(DOCTOR, 0, "doctor", fix, NULL);
	size_t who = party.count - 1;
	while (!party.members[who].went)
		if (party_reap(&status) == (long)who)
			judge(who, status);
		else
			wait_for_an_end(HANGS / 10);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* One calm caller of each key takes away the lock that a killed leader left with
 * nobody behind it. What else a kill leaves, doctor finds; and nothing but that. */
static void tidy_up(bool harmed)
{
	for (int k = 0; k < SAID_KINDS; k++)
		call((enum said_kind)k, true);
	see_them_off();
	expect_no_locks(false);
	if (doctor(NULL)) {
		total.orphans++;
		if (!harmed)
			complain(-1, "doctor found something though nobody was killed in this round");
		doctor("--fix");
		if (doctor(NULL))
			complain(-1, "doctor --fix did not mend everything");
	}
	expect_no_locks(true);
	see_them_off();
}

static void play(void)
{
	struct round r = {
	    .focus = (enum said_kind)dice(SAID_KINDS),
	    .callers = 50 + dice(250),
	    .burst = 1 + dice(one_in(3) ? 100 : 10),
	    .harms = one_in(5) ? 0 : 20 + dice(50),
	    .helps = one_in(5) ? 0 : dice(25),
	    .pause = 100 + dice(one_in(2) ? 500 : 5000),
	};
	long kills = total.kills;
	unsigned more = 20;
	note(-1, "round: %u callers, most of %s, in bursts of up to %u", r.callers, said_names[r.focus], r.burst);
	while ((r.callers || (party.here && more--)) && !complaints()) {
		act(&r);
		wait_for_an_end(dice(r.pause) * INT64_C(1000));
		reap();
	}
	see_them_off();
	tidy_up(total.kills > kills);
}

/* --- the whole --- */

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void full_path(char out[PATH_MAX], const char *directory, const char *name)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s%s", directory, name) >= (int)sizeof path || !realpath(path, out))
		die(path);
}

static void make_work_directory(void)
{
	const char *tmp = getenv("TMPDIR");
	char cache[PATH_MAX + 16];
	snprintf(work, sizeof work, "%s/dpcache-torture.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(work))
		die(work);
	snprintf(cache, sizeof cache, "%s/cache", work);
	setenv("DPCACHE_DIR", cache, 1);
}

static void clean_environment(void)
{
	static const char *const names[] = {"CI", "DPCACHE_STORE", "DPCACHE_DISABLE", "DPCACHE_LOG",
	                                    "DPCACHE_STATUS_FILE", "DPCACHE_RUNNING"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
}

static void prepare(void)
{
	char path[PATH_MAX + 16];
	struct rlimit files;
	clean_environment();
	make_work_directory();
	snprintf(path, sizeof path, "%s/log", work);
	history_open(path, begun, met);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max < 65536 ? files.rlim_max : 65536;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&wake_up);
	sigaddset(&wake_up, SIGCHLD);
	sigaddset(&wake_up, SIGINT);
	sigaddset(&wake_up, SIGTERM);
	sigprocmask(SIG_BLOCK, &wake_up, NULL);
	atexit(party_end);
}

static void remove_work_directory(void)
{
	struct member m = {.errand = PRUNE};
	char rm[] = "/bin/rm", flags[] = "-rf";
	char *argv[] = {rm, flags, work, NULL};
	int status;
	long who;
	party_start(&m, argv);
	while ((who = party_reap(&status)) != PARTY_NOBODY)
		if (who == PARTY_NONE_ENDED)
			wait_for_an_end(HANGS / 10);
}

static void summarize(uint64_t rounds)
{
	printf("torture: %llu rounds, %ld callers, %ld others, %ld runs; %ld killed, %ld stopped; %.1f s\n",
	       (unsigned long long)rounds, total.callers, total.helpers, history_count(), total.kills, total.stops,
	       seconds(now_ns()));
	printf("  killed ones left something in %ld rounds\n", total.orphans);
	judge_print_remarks();
}

int main(int argc, char **argv)
{
	uint64_t seed, round = 0;
	if (argc != 3) {
		fprintf(stderr, "usage: torture BUILD WORKER\n");
		return 2;
	}
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		die("random");
	seed = setting("SEED", seed % 1000000);
	uint64_t rounds = setting("ROUNDS", 20), limit = setting("SECONDS", 0);
	full_path(dpcache, argv[1], "/dpcache");
	full_path(worker, argv[2], "");
	dice_seed(seed);
	prepare();
	printf("torture: SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	while (round < rounds && !complaints() && (!limit || seconds(now_ns()) < (double)limit)) {
		play();
		round++;
	}
	summarize(round);
	if (complaints()) {
		fprintf(stderr, "torture: %ld violations in round %llu; what it worked with is in %s\n"
		                "torture: to repeat: make torture SEED=%llu ROUNDS=%llu\n",
		        complaints(), (unsigned long long)round, work, (unsigned long long)seed,
		        (unsigned long long)round);
		return 1;
	}
	remove_work_directory();
	return 0;
}
