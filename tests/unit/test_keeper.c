/* The keeper, between real processes: what is told of the command's end, and
 * how long the lock is held. */
#include "support.h"

#include "clock.h"
#include "keeper.h"
#include "lock.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct digest KEY;
static const struct write_signals SIGNALS = {SIG_DFL, SIG_DFL};

static int key_setup(void **state)
{
	KEY = digest_named("key");
	return fixture_setup(state);
}

#define with_key(test) cmocka_unit_test_setup_teardown(test, key_setup, fixture_teardown)

static int take_lock(const struct home *h)
{
	int fd = lock_open(h, &KEY);
	return fd >= 0 && lock_try_exclusive(fd) == 1 ? fd : -1;
}

/* A shell script; `in` and `out` are its standard streams, or -1. */
static int start_script(struct keeper *k, const char *script, int in, int out, int lock)
{
	static char *argv[4], *envp[] = {"PATH=/usr/bin:/bin", NULL};
	argv[0] = "sh";
	argv[1] = "-c";
	argv[2] = (char *)script;
	struct spawn s = {.exe = "/bin/sh", .argv = argv, .envp = envp, .in = in, .out = out, .err = -1,
	                  .signals = &SIGNALS};
	return keeper_start(k, &s, lock);
}

static struct ending end_of(struct keeper *k)
{
	struct ending e;
	keeper_await(k, &e);
	pid_t pid = k->pid;
	keeper_dismiss(k);
	keeper_reap(pid);
	return e;
}

static void the_raw_wait_status_is_told(void **state)
{
	(void)state;
	struct keeper k;
	assert_int_equal(start_script(&k, "exit 7", -1, -1, -1), 0);
	struct ending e = end_of(&k);
	assert_int_equal(e.start_errno | e.exec_errno | e.lost, 0);
	assert_int_equal(e.status, 7 << 8);
	assert_int_equal(start_script(&k, "kill -KILL $$", -1, -1, -1), 0);
	e = end_of(&k);
	assert_false(e.lost);
	assert_int_equal(e.status, SIGKILL);
}

static void what_cannot_be_executed_is_told_with_its_errno(void **state)
{
	(void)state;
	static char *argv[] = {"nothing", NULL};
	struct keeper k;
	struct spawn s = {.exe = "/there/is/nothing", .argv = argv, .envp = argv, .in = -1, .out = -1, .err = -1,
	                  .signals = &SIGNALS};
	assert_int_equal(keeper_start(&k, &s, -1), 0);
	struct ending e = end_of(&k);
	assert_int_equal(e.exec_errno, ENOENT);
	assert_int_equal(e.start_errno, 0);
}

static void a_signal_reaches_the_command(void **state)
{
	(void)state;
	struct keeper k;
	int in[2];
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(start_script(&k, "read x", in[0], -1, -1), 0);
	keeper_signal(&k, SIGTERM);
	assert_int_equal(end_of(&k).status, SIGTERM);
	close(in[0]);
	close(in[1]);
}

static void the_lock_is_its_starters_again_when_it_is_dismissed(void **state)
{
	struct fixture *f = *state;
	struct keeper k;
	int fd = take_lock(&f->home), other = lock_open(&f->home, &KEY);
	assert_int_equal(start_script(&k, ":", -1, -1, fd), 0);
	end_of(&k);
	assert_int_equal(lock_try_exclusive(other), 0);
	close(fd);
	assert_int_equal(lock_try_exclusive(other), 1);
	close(other);
}

static void a_lock_that_is_given_up_is_not_held_on(void **state)
{
	struct fixture *f = *state;
	struct keeper k;
	int in[2];
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	int fd = take_lock(&f->home), other = lock_open(&f->home, &KEY);
	assert_int_equal(start_script(&k, "read x", in[0], -1, fd), 0);
	flock(fd, LOCK_UN);
	close(fd);
	assert_int_equal(lock_wait_exclusive(other, DPC_FOREVER), 1);
	close(in[1]);
	close(in[0]);
	assert_int_equal(end_of(&k).status, 1 << 8);
	close(other);
}

static void a_killed_keeper_is_a_lost_command(void **state)
{
	(void)state;
	struct keeper k;
	int in[2];
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(start_script(&k, "read x", in[0], -1, -1), 0);
	assert_int_equal(kill(k.pid, SIGKILL), 0);
	struct ending e = end_of(&k);
	assert_true(e.lost);
	assert_int_equal(e.status, SIGKILL);
	close(in[0]);
	close(in[1]);
}

/* Asserts in a process of its own, for the limit is for good. */
static int run_with_few_descriptors(void *context)
{
	(void)context;
	struct keeper k;
	struct rlimit few = {OS_FD_FLOOR, OS_FD_FLOOR};
	if (setrlimit(RLIMIT_NOFILE, &few) < 0 || start_script(&k, "exit 3", -1, -1, -1) < 0)
		return 1;
	return k.control >= 0 || end_of(&k).status != 3 << 8;
}

static void with_too_few_descriptors_there_is_no_keeper_but_a_command(void **state)
{
	(void)state;
	assert_int_equal(child_wait(child_start(run_with_few_descriptors, NULL)), 0);
}

/* --- the death of its starter --- */

struct leader {
	const struct fixture *f;
	int in[2], out[2];
	const char *script;
};

static int lead(void *context)
{
	struct leader *l = context;
	struct keeper k;
	struct ending e;
	close(l->in[1]);
	close(l->out[0]);
	int fd = take_lock(&l->f->home);
	if (fd < 0 || start_script(&k, l->script, l->in[0], l->out[1], fd) < 0)
		return 1;
	close(l->out[1]);
	keeper_await(&k, &e);
	return 2;
}

/* The script writes a byte when it is at work. What it started holds `out`: at
 * its end all of it is dead. */
static void assert_all_die(struct fixture *f, const char *script, bool stopped)
{
	struct leader l = {.f = f, .script = script};
	char byte;
	int status;
	assert_int_equal(pipe2(l.in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(l.out, O_CLOEXEC), 0);
	pid_t pid = child_start(lead, &l);
	close(l.out[1]);
	assert_int_equal(read(l.out[0], &byte, 1), 1);
	int fd = lock_open(&f->home, &KEY);
	assert_int_equal(lock_try_exclusive(fd), 0);
	if (stopped) {
		assert_int_equal(kill(pid, SIGSTOP), 0);
		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	}
	assert_int_equal(child_kill(pid), 256 + SIGKILL);
	assert_int_equal(lock_wait_exclusive(fd, DPC_FOREVER), 1);
	/* Nobody is left to write: the end is there without waiting. */
	assert_int_equal(fcntl(l.out[0], F_SETFL, O_NONBLOCK), 0);
	while ((status = (int)read(l.out[0], &byte, 1)) == 1)
		;
	assert_int_equal(status, 0);
	lock_retire(&f->home, &KEY, fd);
	close(l.in[0]);
	close(l.in[1]);
	close(l.out[0]);
}

static void its_starter_killed_the_lock_is_free_when_all_are_dead(void **state)
{
	assert_all_die(*state, "echo; read x", false);
}

static void children_sessions_and_orphans_are_among_them(void **state)
{
	assert_all_die(*state,
	               "exec 3<&0; trap '' TERM; (setsid sh -c 'read x <&3 & read x <&3' &); "
	               "sh -c 'read x <&3 | read x' <&3 & echo; read x", false);
}

static void its_starter_may_have_been_stopped(void **state)
{
	assert_all_die(*state, "exec 3<&0; read x <&3 & echo; read x", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_raw_wait_status_is_told),
	    cmocka_unit_test(what_cannot_be_executed_is_told_with_its_errno),
	    cmocka_unit_test(a_signal_reaches_the_command),
	    with_key(the_lock_is_its_starters_again_when_it_is_dismissed),
	    with_key(a_lock_that_is_given_up_is_not_held_on),
	    cmocka_unit_test(a_killed_keeper_is_a_lost_command),
	    cmocka_unit_test(with_too_few_descriptors_there_is_no_keeper_but_a_command),
	    with_key(its_starter_killed_the_lock_is_free_when_all_are_dead),
	    with_key(children_sessions_and_orphans_are_among_them),
	    with_key(its_starter_may_have_been_stopped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
