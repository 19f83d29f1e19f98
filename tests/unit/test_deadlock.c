/* Circles of runs that wait for each other. The runs are locks that the test
 * holds; those who wait are processes of their own, started with an environment
 * of their own, for that is where they are recognised. */
#include "support.h"

#include "deadlock.h"
#include "lock.h"
#include "meet.h"
#include "proclocks.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/prctl.h>

enum { RUNS = 4 };

static struct fixture *f;
static struct digest key[RUNS]; /* in ascending order */
static char hex[RUNS][DIGEST_HEX];
static int lock[RUNS];

static int deadlock_setup(void **state)
{
	if (access("/proc/locks", R_OK) < 0)
		skip();
	int rc = fixture_setup(state);
	f = *state;
	unsetenv(MEET_RUNNING);
	for (int i = 0; i < RUNS; i++) {
		memset(&key[i], 0x11 * (i + 1), sizeof key[i]);
		digest_hex(hex[i], &key[i]);
		lock[i] = lock_open(&f->home, &key[i]);
		assert_int_equal(lock_try_exclusive(lock[i]), 1);
	}
	return rc;
}

static int deadlock_teardown(void **state)
{
	unsetenv(MEET_RUNNING);
	for (int i = 0; i < RUNS; i++)
		lock_retire(&f->home, &key[i], lock[i]);
	return fixture_teardown(state);
}

#define with_runs(test) cmocka_unit_test_setup_teardown(test, deadlock_setup, deadlock_teardown)

/* --- those who wait --- */

/* What such a process is told: in argv "block", "announce" or "hold", and the
 * lock. */
static int wait_for_lock(char **argv)
{
	int fd = open(argv[2], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 2;
	if (strcmp(argv[1], "block") == 0)
		return flock(fd, LOCK_SH) == 0 ? 0 : 3;
	if (strcmp(argv[1], "announce") == 0)
		proclocks_announce(fd);
	else if (flock(fd, LOCK_EX) < 0)
		return 4;
	for (;;)
		pause();
}

struct sought {
	pid_t pid;
	bool waits;
};

static bool seek(void *context, const struct proclock *l)
{
	struct sought *s = context;
	s->waits |= l->waiting && l->pid == s->pid;
	return !s->waits;
}

static void until_waits(pid_t pid)
{
	struct sought s = {.pid = pid};
	while (!s.waits) {
		assert_true(proclocks_each(seek, &s) >= 0);
		sched_yield();
	}
}

/* A process with this in its environment; `running` NULL: inside of none. */
static pid_t start_process(const char *how, const char *running, int run)
{
	char name[LOCK_NAME], variable[4096];
	lock_name(name, &key[run]);
	const char *path = path_at_home(f, name);
	snprintf(variable, sizeof variable, "%s=%s", MEET_RUNNING, running ? running : "");
	char *const envp[] = {(char *)"BEFORE=x", running ? variable : NULL, (char *)"BEHIND=x", NULL};
	char *const argv[] = {(char *)"waiter", (char *)how, (char *)path, NULL};
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			execve("/proc/self/exe", argv, envp);
		_exit(255);
	}
	assert_true(pid > 0);
	return pid;
}

/* The same, waiting for a run. Returns when it is at it. */
static pid_t start_waiter(const char *how, const char *running, int run)
{
	pid_t pid = start_process(how, running, run);
	until_waits(pid);
	return pid;
}

static bool closes(const char *running, int awaited)
{
	setenv(MEET_RUNNING, running, 1);
	return deadlock_would_close(&f->home, &key[awaited]);
}

/* Who waits asks again and again: the kernel's list may have gaps while other
 * programs lock and unlock. What is not there is never seen. */
static void until_closes(const char *running, int awaited)
{
	int tries = 20000;
	while (!closes(running, awaited) && --tries)
		sched_yield();
	assert_true(tries > 0);
}

/* --- the tests --- */

static void outside_of_all_runs_there_is_no_circle(void **state)
{
	(void)state;
	pid_t pid = start_waiter("block", hex[0], 1);
	assert_false(deadlock_would_close(&f->home, &key[0]));
	assert_false(closes("", 0));
	child_kill(pid);
}

static void waiting_without_a_circle_is_none(void **state)
{
	(void)state;
	assert_false(closes(hex[0], 1));
	/* Somebody waits for us, but not from inside of what we wait for. */
	pid_t outsider = start_waiter("block", NULL, 1), other = start_waiter("block", hex[2], 1);
	assert_false(closes(hex[1], 0));
	/* Somebody inside of what we wait for waits, but not for us. */
	pid_t inside = start_waiter("block", hex[0], 3);
	assert_false(closes(hex[1], 0));
	child_kill(outsider);
	child_kill(other);
	child_kill(inside);
}

static void of_two_who_wait_for_each_other_the_smaller_keys_gives_way(void **state)
{
	(void)state;
	pid_t in_a = start_waiter("block", hex[0], 1);
	until_closes(hex[1], 0);
	child_kill(in_a);
	assert_false(closes(hex[1], 0));
	pid_t in_b = start_waiter("block", hex[1], 0);
	assert_false(closes(hex[0], 1));
	child_kill(in_b);
}

static void one_alone_gives_way_when_all_are_there(void **state)
{
	(void)state;
	/* 0 waits for 2, 2 for 1, 1 for 3, 3 for 0. */
	static const int awaited[RUNS] = {2, 3, 1, 0};
	pid_t pid[RUNS];
	for (int i = 0; i < RUNS; i++)
		pid[i] = start_waiter("block", hex[i], awaited[i]);
	for (int i = 0; i < RUNS; i++)
		if (awaited[i] == 0)
			until_closes(hex[i], awaited[i]);
		else
			assert_false(closes(hex[i], awaited[i]));
	child_kill(pid[2]);
	for (int i = 0; i < RUNS; i++)
		if (i != 2)
			assert_false(closes(hex[i], awaited[i]));
	for (int i = 0; i < RUNS; i++)
		if (i != 2)
			child_kill(pid[i]);
}

static void who_waits_by_trying_again_is_seen_too(void **state)
{
	(void)state;
	pid_t pid = start_waiter("announce", hex[0], 1);
	until_closes(hex[1], 0);
	child_kill(pid);
}

static void who_holds_a_lock_does_not_wait_for_it(void **state)
{
	(void)state;
	assert_int_equal(flock(lock[1], LOCK_UN), 0);
	pid_t pid = start_process("hold", hex[0], 1);
	while (proclocks_holder(lock[1]) != pid)
		sched_yield();
	assert_false(closes(hex[1], 0));
	child_kill(pid);
}

static void a_run_within_a_run_is_inside_of_both(void **state)
{
	(void)state;
	char both[2 * DIGEST_HEX];
	snprintf(both, sizeof both, "%s:%s", hex[0], hex[3]);
	/* It waits inside of 3, which is inside of 0. */
	pid_t pid = start_waiter("block", both, 1);
	until_closes(hex[1], 0);
	/* So do we: the run that is waited for is the inner or the outer of ours. */
	snprintf(both, sizeof both, "%s:%s", hex[1], hex[2]);
	until_closes(both, 0);
	snprintf(both, sizeof both, "%s:%s", hex[2], hex[1]);
	until_closes(both, 0);
	child_kill(pid);
}

static void all_who_wait_for_the_smallest_give_way(void **state)
{
	/* Were one to stay, the run that it is in would not end either. */
	(void)state;
	pid_t like_us = start_waiter("block", hex[1], 0), other = start_waiter("block", hex[0], 1);
	until_closes(hex[1], 0);
	child_kill(like_us);
	child_kill(other);
}

static void of_two_circles_each_has_one_who_gives_way(void **state)
{
	/* 1 and 2 wait for each other, and 0 and 2. */
	(void)state;
	pid_t in_2 = start_waiter("block", hex[2], 1), also_in_2 = start_waiter("block", hex[2], 0);
	assert_false(closes(hex[1], 2));
	assert_false(closes(hex[0], 2));
	pid_t in_1 = start_waiter("block", hex[1], 2), in_0 = start_waiter("block", hex[0], 2);
	until_closes(hex[2], 1);
	until_closes(hex[2], 0);
	child_kill(in_2);
	child_kill(also_in_2);
	child_kill(in_1);
	child_kill(in_0);
}

static void waiting_for_a_run_that_we_are_in_is_a_circle(void **state)
{
	(void)state;
	until_closes(hex[2], 2);
}

static void what_is_no_key_is_passed_over(void **state)
{
	(void)state;
	char running[256];
	pid_t pid = start_waiter("block", hex[0], 1);
	assert_false(closes(":::", 0));
	assert_false(closes("nonsense", 0));
	snprintf(running, sizeof running, "%s0", hex[1]);
	assert_false(closes(running, 0));
	snprintf(running, sizeof running, "0123:%s:", hex[1]);
	until_closes(running, 0);
	child_kill(pid);
}

static void an_environment_of_any_size_is_read(void **state)
{
	(void)state;
	char running[4000];
	/* The last key lies across the end of what is read at once. */
	for (size_t keys = 118; keys <= 120; keys++) {
		for (size_t i = 0; i < keys; i++)
			snprintf(running + i * DIGEST_HEX, sizeof running - i * DIGEST_HEX, "%s:", hex[3]);
		snprintf(running + keys * DIGEST_HEX, sizeof running - keys * DIGEST_HEX, "%s", hex[0]);
		pid_t pid = start_waiter("block", running, 1);
		until_closes(hex[1], 0);
		child_kill(pid);
	}
}

static void who_waits_for_a_like_key_of_another_cache_is_not_in_it(void **state)
{
	(void)state;
	char name[LOCK_NAME], other[PATH_MAX];
	pid_t pid = start_waiter("block", hex[0], 1);
	struct home elsewhere;
	snprintf(other, sizeof other, "%s", path_in(f, "elsewhere"));
	assert_int_equal(create_home(&elsewhere, other, NULL), DPC_OK);
	setenv(MEET_RUNNING, hex[1], 1);
	int fd = lock_open(&elsewhere, &key[1]);
	assert_int_equal(lock_try_exclusive(fd), 1);
	assert_false(deadlock_would_close(&elsewhere, &key[0]));
	lock_name(name, &key[1]);
	lock_retire(&elsewhere, &key[1], fd);
	assert_false(deadlock_would_close(&elsewhere, &key[0]));
	home_close(&elsewhere);
	child_kill(pid);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return wait_for_lock(argv);
	const struct CMUnitTest tests[] = {
	    with_runs(outside_of_all_runs_there_is_no_circle),
	    with_runs(waiting_without_a_circle_is_none),
	    with_runs(of_two_who_wait_for_each_other_the_smaller_keys_gives_way),
	    with_runs(one_alone_gives_way_when_all_are_there),
	    with_runs(who_waits_by_trying_again_is_seen_too),
	    with_runs(who_holds_a_lock_does_not_wait_for_it),
	    with_runs(a_run_within_a_run_is_inside_of_both),
	    with_runs(all_who_wait_for_the_smallest_give_way),
	    with_runs(of_two_circles_each_has_one_who_gives_way),
	    with_runs(waiting_for_a_run_that_we_are_in_is_a_circle),
	    with_runs(what_is_no_key_is_passed_over),
	    with_runs(an_environment_of_any_size_is_read),
	    with_runs(who_waits_for_a_like_key_of_another_cache_is_not_in_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
