/* Leader or follower, between real processes. */
#include "support.h"

#include "clock.h"
#include "dogpile.h"
#include "lock.h"
#include "proclocks.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

static const char OUTPUT[] = "what the leader printed\n";

/* What the processes of one test share. */
struct scene {
	const struct fixture *f;
	struct asking asking;
	struct gate go; /* the child leader may end its run */
	int64_t deadline;
	bool must_lead, looks_on;
	int told[2]; /* each child writes its role as it learns it */
};

static struct scene scene;

static int scene_setup(void **state)
{
	if (fixture_setup(state) < 0)
		return -1;
	struct fixture *f = *state;
	scene = (struct scene){.f = f, .deadline = DPC_FOREVER};
	parents_lock = -1;
	asking_begin(&scene.asking, &f->home, "key", NULL);
	gate_init(&scene.go);
	return pipe2(scene.told, O_CLOEXEC);
}

static int scene_teardown(void **state)
{
	asking_end(&scene.asking);
	gate_release(&scene.go);
	close(scene.told[0]);
	close(scene.told[1]);
	return fixture_teardown(state);
}

#define with_scene(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

static const struct digest *key(void)
{
	return &scene.asking.ask.key;
}

static const char *lock_path(void)
{
	char name[LOCK_NAME];
	lock_name(name, key());
	return path_at_home(scene.f, name);
}

static const struct caller *asked(int64_t deadline, bool must_lead)
{
	static struct caller who;
	static struct live live;
	who = (struct caller){.h = &scene.f->home, .key = key(), .deadline = deadline, .must_lead = must_lead};
	if (scene.looks_on) {
		live_init(&live, -1, -1);
		who.live = &live;
	}
	return &who;
}

static enum role join(int *fd, int64_t deadline, bool must_lead)
{
	enum role role;
	dpc_error err = {0};
	if (dogpile_join(&role, fd, asked(deadline, must_lead), &err) != DPC_OK)
		fail_msg("%s", err.message);
	return role;
}

static int lead(void)
{
	int fd;
	assert_int_equal(join(&fd, 0, false), ROLE_LEAD);
	parents_lock = fd;
	return fd;
}

/* Does this descriptor hold a whole capsule with the leader's output? */
static bool holds_the_result(int fd)
{
	struct answer a = ANSWER_NONE;
	char bytes[sizeof OUTPUT - 1];
	bool ok = answer_from_fd(&a, fd, NULL) == DPC_OK &&
	          capsule_check_frames(&a.capsule, &a.frames, NULL) == DPC_OK &&
	          a.capsule.output_size == sizeof bytes &&
	          frames_read(bytes, sizeof bytes, &a.frames, 8, NULL) == DPC_OK &&
	          memcmp(bytes, OUTPUT, sizeof bytes) == 0;
	answer_release(&a);
	return ok;
}

static void tell(enum role role)
{
	char byte = (char)role;
	ssize_t n = write(scene.told[1], &byte, 1);
	(void)n;
}

static enum role hear(void)
{
	char byte = -1;
	assert_int_equal(read(scene.told[0], &byte, 1), 1);
	return (enum role)byte;
}

static bool has_been_told(void)
{
	struct pollfd p = {.fd = scene.told[0], .events = POLLIN};
	return poll(&p, 1, 0) == 1;
}

/* A caller: joins, tells what it has become, plays its part. */
static int caller(void *context)
{
	(void)context;
	enum role role;
	int fd;
	struct recorder r;
	if (dogpile_join(&role, &fd, asked(scene.deadline, scene.must_lead), NULL) != DPC_OK)
		return 100;
	tell(role);
	if (role == ROLE_FOLLOW)
		return holds_the_result(fd) ? 0 : 101;
	if (role != ROLE_LEAD)
		return fd == -1 ? 0 : 102;
	if (begin_run(&r, &scene.asking.ask, fd) != DPC_OK)
		return 103;
	gate_wait(&scene.go);
	if (end_run(&r, OUTPUT, sizeof OUTPUT - 1) != DPC_OK)
		return 104;
	lock_retire(&scene.f->home, key(), fd);
	return 0;
}

enum { CROWD = 4 };

static void start_crowd(pid_t pid[CROWD])
{
	for (int i = 0; i < CROWD; i++)
		pid[i] = child_start(caller, NULL);
}

static void await_crowd(const pid_t *pid, int count)
{
	for (int i = 0; i < count; i++)
		assert_int_equal(child_wait(pid[i]), 0);
}

static void count_roles(int roles[5], int count)
{
	memset(roles, 0, 5 * sizeof *roles);
	for (int i = 0; i < count; i++)
		roles[hear()]++;
}

static void whoever_comes_first_leads(void **state)
{
	(void)state;
	int fd = lead();
	assert_true(lock_is_current(&scene.f->home, key(), fd));
	lock_retire(&scene.f->home, key(), fd);
	/* And again, once that is over. */
	fd = lead();
	lock_retire(&scene.f->home, key(), fd);
}

static void of_many_one_leads_and_the_others_follow(void **state)
{
	(void)state;
	pid_t pid[CROWD];
	int roles[5];
	start_crowd(pid);
	until_blocked(lock_path(), 0, CROWD - 1);
	assert_int_equal(hear(), ROLE_LEAD);
	assert_false(has_been_told());
	gate_open(&scene.go);
	await_crowd(pid, CROWD);
	count_roles(roles, CROWD - 1);
	assert_int_equal(roles[ROLE_FOLLOW], CROWD - 1);
	assert_int_equal(access(lock_path(), F_OK), -1);
}

static void a_follower_gets_a_result_that_is_stored_nowhere(void **state)
{
	(void)state;
	struct recorder r;
	int fd = lead();
	assert_int_equal(begin_run(&r, &scene.asking.ask, fd), DPC_OK);
	pid_t pid = child_start(caller, NULL);
	until_blocked(lock_path(), 0, 1);
	assert_int_equal(end_run(&r, OUTPUT, sizeof OUTPUT - 1), DPC_OK);
	lock_retire(&scene.f->home, key(), fd);
	assert_int_equal(child_wait(pid), 0);
	assert_int_equal(hear(), ROLE_FOLLOW);
	/* It is for those who waited, not for those who come later. */
	fd = lead();
	lock_retire(&scene.f->home, key(), fd);
	recorder_release(&r);
}

static void a_killed_leader_is_replaced_and_the_others_follow_the_new_one(void **state)
{
	(void)state;
	pid_t pid[CROWD], leader = child_start(caller, NULL);
	int roles[5];
	assert_int_equal(hear(), ROLE_LEAD);
	start_crowd(pid);
	until_blocked(lock_path(), 0, CROWD);
	/* Kept open, so that no other file can get the same inode. */
	int old = open(lock_path(), O_RDONLY | O_CLOEXEC);
	ino_t old_inode = inode_of(lock_path());
	assert_int_equal(child_kill(leader), 256 + SIGKILL);
	until_blocked(lock_path(), old_inode, CROWD - 1);
	assert_int_equal(hear(), ROLE_LEAD);
	assert_false(has_been_told());
	gate_open(&scene.go);
	await_crowd(pid, CROWD);
	count_roles(roles, CROWD - 1);
	assert_int_equal(roles[ROLE_FOLLOW], CROWD - 1);
	close(old);
}

static void a_leader_that_died_alone_is_replaced_by_the_next_to_come(void **state)
{
	(void)state;
	pid_t leader = child_start(caller, NULL);
	assert_int_equal(hear(), ROLE_LEAD);
	assert_int_equal(child_kill(leader), 256 + SIGKILL);
	assert_int_equal(access(lock_path(), F_OK), 0);
	int fd = lead();
	assert_true(lock_is_current(&scene.f->home, key(), fd));
	lock_retire(&scene.f->home, key(), fd);
}

/* A leader that wrote a whole, long result and died before it could retire
 * the lock: `OUTPUT` many times over. */
static void leave_a_finished_file_behind(void)
{
	static uint8_t noise[CAPSULE_INLINE * 2];
	struct recorder r;
	int fd = lead();
	assert_int_equal(begin_run(&r, &scene.asking.ask, fd), DPC_OK);
	assert_int_equal(end_run(&r, noise, sizeof noise), DPC_OK);
	recorder_release(&r);
	/* As the kernel does for the dead: unlocked, but not unlinked. */
	close(fd);
}

static void a_finished_file_left_by_a_dead_leader_is_not_followed(void **state)
{
	/* The new leader holds the key but has not begun to record: a follower
	 * that wakes because it died, too, must not find an earlier run's end. */
	(void)state;
	leave_a_finished_file_behind();
	int fd = lead();
	pid_t pid = child_start(caller, NULL);
	until_blocked(lock_path(), 0, 1);
	close(fd);
	assert_int_equal(hear(), ROLE_LEAD);
	gate_open(&scene.go);
	assert_int_equal(child_wait(pid), 0);
}

static void who_follows_a_new_leader_gets_nothing_of_a_dead_one(void **state)
{
	(void)state;
	struct recorder r;
	leave_a_finished_file_behind();
	int fd = lead();
	assert_int_equal(begin_run(&r, &scene.asking.ask, fd), DPC_OK);
	pid_t pid = child_start(caller, NULL);
	until_blocked(lock_path(), 0, 1);
	assert_int_equal(end_run(&r, OUTPUT, sizeof OUTPUT - 1), DPC_OK);
	lock_retire(&scene.f->home, key(), fd);
	assert_int_equal(hear(), ROLE_FOLLOW);
	assert_int_equal(child_wait(pid), 0);
	recorder_release(&r);
}

static void a_finished_file_that_is_just_being_retired_is_not_followed(void **state)
{
	/* Somebody else has come before us, and is about to take it away. */
	(void)state;
	leave_a_finished_file_behind();
	int fd = open(lock_path(), O_RDWR | O_CLOEXEC);
	assert_int_equal(lock_try_exclusive(fd), 1);
	parents_lock = fd;
	pid_t pid = child_start(caller, NULL);
	until_blocked(lock_path(), 0, 1);
	lock_retire(&scene.f->home, key(), fd);
	assert_int_equal(hear(), ROLE_LEAD);
	gate_open(&scene.go);
	assert_int_equal(child_wait(pid), 0);
}

/* The run ends well, but is not for one who begins to wait for it now. */
static void assert_whoever_waits_leads(struct recorder *r, int fd)
{
	pid_t pid = child_start(caller, NULL);
	until_blocked(lock_path(), 0, 1);
	assert_int_equal(end_run(r, OUTPUT, sizeof OUTPUT - 1), DPC_OK);
	lock_retire(&scene.f->home, key(), fd);
	assert_int_equal(hear(), ROLE_LEAD);
	gate_open(&scene.go);
	assert_int_equal(child_wait(pid), 0);
	recorder_release(r);
}

static void who_comes_to_a_voided_run_as_its_head_is_written_does_not_follow(void **state)
{
	(void)state;
	static const uint32_t voided = UINT32_MAX, done = CAPSULE_DONE;
	enum { STATE_AT = 12 };
	struct recorder r;
	int fd = lead();
	assert_int_equal(begin_run(&r, &scene.asking.ask, fd), DPC_OK);
	assert_int_equal(pwrite(fd, &voided, sizeof voided, CAPSULE_VOIDED_AT), sizeof voided);
	/* Half of it is there: the sum is not that of the whole. */
	assert_int_equal(pwrite(fd, &done, sizeof done, STATE_AT), sizeof done);
	assert_whoever_waits_leads(&r, fd);
}

static void a_waiter_on_the_old_inode_and_a_newcomer_never_both_lead(void **state)
{
	(void)state;
	int old = lead();
	pid_t waiter = child_start(caller, NULL);
	until_blocked(lock_path(), 0, 1);
	ino_t old_inode = inode_of(lock_path());
	/* The path is free, the inode still locked: the moment between the unlink
	 * and the close of a leader that leaves no result. */
	assert_int_equal(unlink(lock_path()), 0);
	int new = lead();
	assert_int_not_equal(inode_of(lock_path()), old_inode);
	close(old);
	/* Now the waiter gets the old inode, and must see that it is old. */
	until_blocked(lock_path(), old_inode, 1);
	assert_false(has_been_told());
	lock_retire(&scene.f->home, key(), new);
	assert_int_equal(hear(), ROLE_LEAD);
	gate_open(&scene.go);
	assert_int_equal(child_wait(waiter), 0);
}

/* How many lead at this moment, and how often anybody did. */
struct arena {
	atomic_int inside, led, trouble;
};

enum { FIGHTERS = 4, ROUNDS = 300 };

static int fight(void *context)
{
	struct arena *a = context;
	for (int i = 0; i < ROUNDS; i++) {
		enum role role;
		int fd;
		if (dogpile_join(&role, &fd, asked(DPC_FOREVER, i % 2), NULL) != DPC_OK)
			return 1;
		if (role == ROLE_FOLLOW)
			close(fd);
		if (role != ROLE_LEAD)
			continue;
		if (atomic_fetch_add(&a->inside, 1))
			atomic_fetch_add(&a->trouble, 1);
		atomic_fetch_add(&a->led, 1);
		struct recorder r = {.fd = -1};
		/* Some end well, some leave nothing, some die without a word. */
		if (i % 3 == 0) {
			begin_run(&r, &scene.asking.ask, fd);
			end_run(&r, OUTPUT, sizeof OUTPUT - 1);
		}
		recorder_release(&r);
		atomic_fetch_sub(&a->inside, 1);
		if (i % 3 == 2)
			close(fd);
		else
			lock_retire(&scene.f->home, key(), fd);
	}
	return 0;
}

static void however_they_come_and_go_two_never_lead_at_once(void **state)
{
	(void)state;
	pid_t pid[FIGHTERS];
	struct arena *a = mmap(NULL, sizeof *a, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(a, MAP_FAILED);
	for (int i = 0; i < FIGHTERS; i++)
		pid[i] = child_start(fight, a);
	await_crowd(pid, FIGHTERS);
	assert_int_equal(atomic_load(&a->trouble), 0);
	assert_true(atomic_load(&a->led) > 0);
	munmap(a, sizeof *a);
}

/* --- other ends of a run --- */

static void end_as(int fd, enum capsule_state state)
{
	uint8_t head[CAPSULE_HEAD];
	struct capsule c = {.state = (uint32_t)state, .key = *key()};
	capsule_encode_head(head, &c);
	assert_int_equal(pwrite(fd, head, sizeof head, 0), sizeof head);
	lock_retire(&scene.f->home, key(), fd);
}

static void an_answer_found_elsewhere_sends_followers_to_look(void **state)
{
	(void)state;
	int fd = lead();
	pid_t pid = child_start(caller, NULL);
	until_blocked(lock_path(), 0, 1);
	end_as(fd, CAPSULE_ELSEWHERE);
	assert_int_equal(hear(), ROLE_LOOK_AGAIN);
	assert_int_equal(child_wait(pid), 0);
}

/* That answer is from before. */
static void an_answer_found_elsewhere_is_none_for_who_wants_a_fresh_one(void **state)
{
	(void)state;
	scene.must_lead = true;
	for (int i = 0; i < 2; i++) {
		int fd = lead();
		scene.looks_on = i == 1;
		pid_t pid = child_start(caller, NULL);
		if (scene.looks_on)
			while (proclocks_waiters(fd) < 1)
				sched_yield();
		else
			until_blocked(lock_path(), 0, 1);
		end_as(fd, CAPSULE_ELSEWHERE);
		assert_int_equal(hear(), ROLE_LEAD);
		gate_open(&scene.go);
		assert_int_equal(child_wait(pid), 0);
		scene.looks_on = false;
	}
}

static void an_output_that_cannot_be_kept_lets_followers_run_alone(void **state)
{
	/* All of them at once, not one behind the other. */
	(void)state;
	pid_t pid[CROWD];
	int roles[5], fd = lead();
	start_crowd(pid);
	until_blocked(lock_path(), 0, CROWD);
	end_as(fd, CAPSULE_GIVEN_UP);
	await_crowd(pid, CROWD);
	count_roles(roles, CROWD);
	assert_int_equal(roles[ROLE_ALONE], CROWD);
}

static void patience_may_end_before_the_run(void **state)
{
	(void)state;
	int fd = lead(), other;
	assert_int_equal(join(&other, 0, false), ROLE_TIMED_OUT);
	assert_int_equal(other, -1);
	assert_int_equal(join(&other, clock_mono_ns() + 10000000, true), ROLE_TIMED_OUT);
	assert_int_equal(other, -1);
	/* The leader does not notice. */
	assert_true(lock_is_current(&scene.f->home, key(), fd));
	lock_retire(&scene.f->home, key(), fd);
}

static void who_must_lead_waits_but_does_not_follow(void **state)
{
	(void)state;
	struct recorder r;
	int fd = lead();
	assert_int_equal(begin_run(&r, &scene.asking.ask, fd), DPC_OK);
	scene.must_lead = true;
	assert_whoever_waits_leads(&r, fd);
}

static void void_it(int fd)
{
	static const uint32_t voided = UINT32_MAX;
	assert_int_equal(pwrite(fd, &voided, sizeof voided, CAPSULE_VOIDED_AT), sizeof voided);
}

static void who_comes_after_a_run_was_voided_does_not_follow_it(void **state)
{
	(void)state;
	struct recorder r;
	int fd = lead();
	assert_int_equal(begin_run(&r, &scene.asking.ask, fd), DPC_OK);
	void_it(fd);
	assert_whoever_waits_leads(&r, fd);
}

static void who_waited_before_a_run_was_voided_still_follows_it(void **state)
{
	(void)state;
	struct recorder r;
	int fd = lead();
	assert_int_equal(begin_run(&r, &scene.asking.ask, fd), DPC_OK);
	pid_t pid = child_start(caller, NULL);
	until_blocked(lock_path(), 0, 1);
	void_it(fd);
	assert_int_equal(end_run(&r, OUTPUT, sizeof OUTPUT - 1), DPC_OK);
	lock_retire(&scene.f->home, key(), fd);
	assert_int_equal(hear(), ROLE_FOLLOW);
	assert_int_equal(child_wait(pid), 0);
	recorder_release(&r);
}

static void without_a_place_for_locks_there_is_an_error(void **state)
{
	(void)state;
	enum role role;
	int fd = 7;
	dpc_error err = {0};
	write_text(path_at_home(scene.f, "locks"), "in the way");
	assert_int_equal(dogpile_join(&role, &fd, asked(0, false), &err), DPC_E_IO);
	assert_int_equal(fd, -1);
	assert_int_equal(err.code, DPC_E_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_scene(whoever_comes_first_leads),
	    with_scene(of_many_one_leads_and_the_others_follow),
	    with_scene(a_follower_gets_a_result_that_is_stored_nowhere),
	    with_scene(a_killed_leader_is_replaced_and_the_others_follow_the_new_one),
	    with_scene(a_leader_that_died_alone_is_replaced_by_the_next_to_come),
	    with_scene(a_finished_file_left_by_a_dead_leader_is_not_followed),
	    with_scene(who_follows_a_new_leader_gets_nothing_of_a_dead_one),
	    with_scene(a_finished_file_that_is_just_being_retired_is_not_followed),
	    with_scene(who_comes_to_a_voided_run_as_its_head_is_written_does_not_follow),
	    with_scene(a_waiter_on_the_old_inode_and_a_newcomer_never_both_lead),
	    with_scene(however_they_come_and_go_two_never_lead_at_once),
	    with_scene(an_answer_found_elsewhere_sends_followers_to_look),
	    with_scene(an_answer_found_elsewhere_is_none_for_who_wants_a_fresh_one),
	    with_scene(an_output_that_cannot_be_kept_lets_followers_run_alone),
	    with_scene(patience_may_end_before_the_run),
	    with_scene(who_must_lead_waits_but_does_not_follow),
	    with_scene(who_comes_after_a_run_was_voided_does_not_follow_it),
	    with_scene(who_waited_before_a_run_was_voided_still_follows_it),
	    with_scene(without_a_place_for_locks_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
