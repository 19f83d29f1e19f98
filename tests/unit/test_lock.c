/* The per-key lock, between real processes. */
#include "support.h"

#include "clock.h"
#include "lock.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

static struct digest KEY;

static int key_setup(void **state)
{
	KEY = digest_named("key");
	return fixture_setup(state);
}

#define with_key(test) cmocka_unit_test_setup_teardown(test, key_setup, fixture_teardown)

static const char *lock_path(const struct fixture *f)
{
	char name[LOCK_NAME];
	lock_name(name, &KEY);
	return path_at_home(f, name);
}

static int open_lock(const struct fixture *f)
{
	int fd = lock_open(&f->home, &KEY);
	assert_true(fd >= 0);
	return fd;
}

static void the_file_is_named_by_its_key(void **state)
{
	struct fixture *f = *state;
	char name[LOCK_NAME];
	struct digest zero = {{0}};
	lock_name(name, &zero);
	assert_string_equal(name, "locks/00000000000000000000000000000000");
	int fd = open_lock(f);
	assert_int_equal(access(lock_path(f), F_OK), 0);
	close(fd);
}

static void a_descriptor_is_out_of_the_commands_way_and_closed_on_exec(void **state)
{
	struct fixture *f = *state;
	int fd = open_lock(f);
	assert_true(fd >= OS_FD_FLOOR);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static void a_symbolic_link_is_not_followed(void **state)
{
	struct fixture *f = *state;
	close(open_lock(f));
	assert_int_equal(unlink(lock_path(f)), 0);
	assert_int_equal(symlink(path_in(f, "elsewhere"), lock_path(f)), 0);
	assert_int_equal(lock_open(&f->home, &KEY), -1);
	assert_int_equal(access(path_in(f, "elsewhere"), F_OK), -1);
}

static void only_one_holds_it(void **state)
{
	struct fixture *f = *state;
	int a = open_lock(f), b = open_lock(f);
	assert_int_equal(lock_try_exclusive(a), 1);
	assert_int_equal(lock_try_exclusive(a), 1);
	assert_int_equal(lock_try_exclusive(b), 0);
	close(a);
	assert_int_equal(lock_try_exclusive(b), 1);
	close(b);
}

static void another_key_is_another_lock(void **state)
{
	struct fixture *f = *state;
	struct digest other = digest_named("other");
	int a = open_lock(f), b = lock_open(&f->home, &other);
	assert_int_equal(lock_try_exclusive(a), 1);
	assert_int_equal(lock_try_exclusive(b), 1);
	assert_false(lock_is_current(&f->home, &other, a));
	close(a);
	close(b);
}

static void what_is_no_descriptor_is_an_error_not_a_lock(void **state)
{
	(void)state;
	assert_int_equal(lock_try_exclusive(-1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(lock_wait_shared(-1, DPC_FOREVER), -1);
	assert_int_equal(lock_wait_exclusive(-1, 0), -1);
}

static void many_share_and_none_of_them_is_exclusive(void **state)
{
	struct fixture *f = *state;
	int a = open_lock(f), b = open_lock(f), c = open_lock(f);
	assert_int_equal(lock_wait_shared(a, 0), 1);
	assert_int_equal(lock_wait_shared(b, 0), 1);
	assert_int_equal(lock_try_exclusive(c), 0);
	assert_int_equal(lock_wait_exclusive(c, 0), 0);
	close(a);
	close(b);
	assert_int_equal(lock_wait_exclusive(c, 0), 1);
	close(c);
}

static void a_wait_ends_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	int a = open_lock(f), b = open_lock(f);
	assert_int_equal(lock_try_exclusive(a), 1);
	assert_int_equal(lock_wait_shared(b, 0), 0);
	int64_t deadline = clock_mono_ns() + 20000000;
	assert_int_equal(lock_wait_shared(b, deadline), 0);
	assert_true(clock_mono_ns() >= deadline);
	close(a);
	close(b);
}

static void a_retired_lock_is_gone_and_its_copies_are_not_current(void **state)
{
	struct fixture *f = *state;
	int a = open_lock(f), waiter = open_lock(f);
	assert_int_equal(lock_try_exclusive(a), 1);
	assert_true(lock_is_current(&f->home, &KEY, a));
	assert_true(lock_is_current(&f->home, &KEY, waiter));
	lock_retire(&f->home, &KEY, a);
	assert_false(os_fd_is_open(a));
	assert_int_equal(access(lock_path(f), F_OK), -1);
	/* It gets the lock of an inode that nobody else can find. */
	assert_int_equal(lock_wait_exclusive(waiter, 0), 1);
	assert_false(lock_is_current(&f->home, &KEY, waiter));
	close(waiter);
}

static void retiring_an_old_inode_leaves_the_new_one(void **state)
{
	struct fixture *f = *state;
	int old = open_lock(f);
	assert_int_equal(lock_try_exclusive(old), 1);
	assert_int_equal(unlink(lock_path(f)), 0);
	int new = open_lock(f);
	assert_int_equal(lock_try_exclusive(new), 1);
	lock_retire(&f->home, &KEY, old);
	assert_true(lock_is_current(&f->home, &KEY, new));
	lock_retire(&f->home, &KEY, new);
	assert_int_equal(access(lock_path(f), F_OK), -1);
	/* Nothing to retire is no harm. */
	lock_retire(&f->home, &KEY, -1);
}

/* --- with another process --- */

struct holder {
	const struct fixture *f;
	struct gate held, release;
};

static int hold(void *context)
{
	struct holder *h = context;
	int fd = lock_open(&h->f->home, &KEY);
	if (fd < 0 || lock_try_exclusive(fd) != 1)
		return 1;
	gate_open(&h->held);
	gate_wait(&h->release);
	lock_retire(&h->f->home, &KEY, fd);
	return 0;
}

static pid_t start_holder(struct holder *h, const struct fixture *f)
{
	h->f = f;
	gate_init(&h->held);
	gate_init(&h->release);
	pid_t pid = child_start(hold, h);
	gate_wait(&h->held);
	return pid;
}

static void end_holder(struct holder *h)
{
	gate_release(&h->held);
	gate_release(&h->release);
}

static void another_process_is_kept_out_until_it_is_done(void **state)
{
	struct fixture *f = *state;
	struct holder h;
	pid_t pid = start_holder(&h, f);
	int fd = open_lock(f);
	assert_int_equal(lock_try_exclusive(fd), 0);
	gate_open(&h.release);
	assert_int_equal(lock_wait_shared(fd, DPC_FOREVER), 1);
	assert_int_equal(child_wait(pid), 0);
	assert_false(lock_is_current(&f->home, &KEY, fd));
	close(fd);
	end_holder(&h);
}

static void a_killed_holder_frees_the_lock_and_leaves_its_file(void **state)
{
	struct fixture *f = *state;
	struct holder h;
	pid_t pid = start_holder(&h, f);
	int fd = open_lock(f);
	assert_int_equal(lock_try_exclusive(fd), 0);
	assert_int_equal(child_kill(pid), 256 + SIGKILL);
	assert_int_equal(lock_wait_exclusive(fd, DPC_FOREVER), 1);
	assert_true(lock_is_current(&f->home, &KEY, fd));
	lock_retire(&f->home, &KEY, fd);
	end_holder(&h);
}

static int wait_shared(void *context)
{
	const struct fixture *f = context;
	int fd = lock_open(&f->home, &KEY);
	return fd >= 0 && lock_wait_shared(fd, DPC_FOREVER) == 1 ? 0 : 1;
}

static void all_who_wait_wake_at_once(void **state)
{
	struct fixture *f = *state;
	enum { WAITERS = 5 };
	pid_t pid[WAITERS];
	int fd = open_lock(f);
	assert_int_equal(lock_try_exclusive(fd), 1);
	parents_lock = fd;
	for (int i = 0; i < WAITERS; i++)
		pid[i] = child_start(wait_shared, f);
	parents_lock = -1;
	until_blocked(lock_path(f), 0, WAITERS);
	lock_retire(&f->home, &KEY, fd);
	for (int i = 0; i < WAITERS; i++)
		assert_int_equal(child_wait(pid[i]), 0);
}

static int exec_a_shell(void *context)
{
	(void)context;
	/* Tells that it runs, and then lives until its stdin ends. */
	execl("/bin/sh", "sh", "-c", "echo ready; read x", (char *)NULL);
	return 127;
}

struct command {
	const struct fixture *f;
	int in[2], out[2];
};

static int hold_and_run(void *context)
{
	struct command *c = context;
	int fd = lock_open(&c->f->home, &KEY);
	if (fd < 0 || lock_try_exclusive(fd) != 1)
		return 1;
	if (dup2(c->in[0], 0) < 0 || dup2(c->out[1], 1) < 0)
		return 2;
	return exec_a_shell(NULL);
}

static void a_command_does_not_inherit_the_lock(void **state)
{
	struct fixture *f = *state;
	struct command c = {.f = f};
	char ready[8];
	assert_int_equal(pipe2(c.in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(c.out, O_CLOEXEC), 0);
	pid_t pid = child_start(hold_and_run, &c);
	assert_int_equal(read(c.out[0], ready, 6), 6);
	int fd = open_lock(f);
	assert_int_equal(lock_try_exclusive(fd), 1);
	close(fd);
	for (int i = 0; i < 2; i++) {
		close(c.in[i]);
		close(c.out[i]);
	}
	child_wait(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_key(the_file_is_named_by_its_key),
	    with_key(a_descriptor_is_out_of_the_commands_way_and_closed_on_exec),
	    with_key(a_symbolic_link_is_not_followed),
	    with_key(only_one_holds_it),
	    with_key(another_key_is_another_lock),
	    cmocka_unit_test(what_is_no_descriptor_is_an_error_not_a_lock),
	    with_key(many_share_and_none_of_them_is_exclusive),
	    with_key(a_wait_ends_at_its_deadline),
	    with_key(a_retired_lock_is_gone_and_its_copies_are_not_current),
	    with_key(retiring_an_old_inode_leaves_the_new_one),
	    with_key(another_process_is_kept_out_until_it_is_done),
	    with_key(a_killed_holder_frees_the_lock_and_leaves_its_file),
	    with_key(all_who_wait_wake_at_once),
	    with_key(a_command_does_not_inherit_the_lock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
