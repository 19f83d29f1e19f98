/* Follows a run at work. The follower is a child whose streams are pipes; what
 * comes out of them is the event to wait for. */
#include "support.h"

#include "clock.h"
#include "live.h"
#include "proclocks.h"
#include "lock.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct digest KEY;
static uint8_t noise[CAPSULE_INLINE * 4];

static int key_setup(void **state)
{
	KEY = digest_named("key");
	fill_noise(noise, sizeof noise, 1);
	return fixture_setup(state);
}

#define with_key(test) cmocka_unit_test_setup_teardown(test, key_setup, fixture_teardown)

static const char *lock_path(const struct fixture *f)
{
	char name[LOCK_NAME];
	lock_name(name, &KEY);
	return path_at_home(f, name);
}

/* --- the leader --- */

/* Used in children: asserts nothing. */
static int lead(struct recorder *r, const struct home *h, uint32_t flags)
{
	static const struct observations none;
	struct capsule start = {.key = KEY, .pid = 7, .started = 5, .flags = flags};
	struct buf meta = {0};
	int fd = lock_open(h, &KEY);
	if (fd < 0 || lock_try_exclusive(fd) != 1)
		return -1;
	capsule_encode_meta(&meta, slice_of("question"), &none, slice_of("label"));
	return recorder_begin(r, &start, &meta, fd, UINT64_MAX, NULL) == DPC_OK ? fd : -1;
}

/* We lead; children started from now on do not keep the lock. */
static void begin(struct recorder *r, const struct fixture *f, uint32_t flags)
{
	parents_lock = lead(r, &f->home, flags);
	assert_true(parents_lock >= 0);
}

static void append(struct recorder *r, enum stream stream, const void *data, size_t size)
{
	assert_int_equal(recorder_append(r, stream, data, size, NULL), DPC_OK);
}

static void let_go(struct recorder *r, const struct fixture *f)
{
	recorder_release(r);
	lock_retire(&f->home, &KEY, parents_lock);
	parents_lock = -1;
}

static void finish(struct recorder *r, const struct fixture *f)
{
	r->capsule.status = 3 << 8;
	assert_int_equal(recorder_finish(r, CAPSULE_DONE, NULL), DPC_OK);
	let_go(r, f);
}

/* --- the follower --- */

struct follower {
	const struct fixture *f;
	int out[2], err[2];
	struct gate waits;  /* open once it has looked, and found that it has to wait */
	bool no_inotify, refuses;
	const char *given;  /* on stdout, by a run that died */
	pid_t pid;
};

static void open_gate(void *context, const struct capsule *head)
{
	(void)head;
	gate_open(&((struct follower *)context)->waits);
}

static bool accepts(void *context, const struct capsule *head)
{
	return !((struct follower *)context)->refuses && head->pid == 7;
}

/* Its exit status: how the run ended; 100 less the code of an error. */
static int follow(void *context)
{
	struct follower *w = context;
	struct rlimit few = {50, 50};
	enum live_end end;
	struct live l;
	int fd = lock_open(&w->f->home, &KEY);
	close(w->out[0]);
	close(w->err[0]);
	signal(SIGPIPE, SIG_IGN);
	if (w->no_inotify && setrlimit(RLIMIT_NOFILE, &few) < 0)
		return 99;
	live_init(&l, w->out[1], w->err[1]);
	l.context = w;
	l.waiting = open_gate;
	l.accept = accepts;
	if (w->given) {
		resume_note(&l.given, STREAM_OUT, w->given, strlen(w->given));
		resume_restart(&l.given);
	}
	int rc = live_follow(&end, &l, fd, DPC_FOREVER, NULL);
	if (rc == DPC_OK && end == LIVE_DONE && l.head.status != 3 << 8)
		return 98;
	return rc == DPC_OK ? (int)end : 100 - rc;
}

static void start_follower(struct follower *w, const struct fixture *f)
{
	w->f = f;
	gate_init(&w->waits);
	assert_int_equal(pipe2(w->out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(w->err, O_CLOEXEC), 0);
	w->pid = child_start(follow, w);
	close(w->out[1]);
	close(w->err[1]);
}

static void assert_comes(int fd, const void *expected, size_t size)
{
	static uint8_t got[sizeof noise];
	assert_int_equal(os_read_full(fd, got, size), (ssize_t)size);
	assert_memory_equal(got, expected, size);
}

/* It finds that it has to wait before anything comes. */
static void assert_waits_in_silence(const struct follower *w)
{
	struct pollfd p[2] = {{.fd = w->waits.fd[0], .events = POLLIN}, {.fd = w->out[0], .events = POLLIN}};
	assert_true(poll(p, 2, -1) > 0);
	assert_int_equal(p[1].revents, 0);
}

static void end_follower(struct follower *w, int expected)
{
	char byte;
	assert_int_equal(child_wait(w->pid), expected);
	assert_int_equal(read(w->out[0], &byte, 1), 0);
	assert_int_equal(read(w->err[0], &byte, 1), 0);
	close(w->out[0]);
	close(w->err[0]);
	gate_release(&w->waits);
}

/* --- runs that end well --- */

static void output_goes_out_while_the_run_is_at_work(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 2; i++) {
		struct follower w = {.no_inotify = i == 1};
		struct recorder r;
		begin(&r, f, 0);
		start_follower(&w, f);
		gate_wait(&w.waits);
		append(&r, STREAM_OUT, "one", 3);
		assert_comes(w.out[0], "one", 3);
		append(&r, STREAM_ERR, "two", 3);
		assert_comes(w.err[0], "two", 3);
		append(&r, STREAM_OUT, "three", 5);
		assert_comes(w.out[0], "three", 5);
		finish(&r, f);
		end_follower(&w, LIVE_DONE);
	}
}

static void large_output_goes_out_whole(void **state)
{
	struct fixture *f = *state;
	struct follower w = {0};
	struct recorder r;
	begin(&r, f, 0);
	start_follower(&w, f);
	for (size_t at = 0; at < sizeof noise; at += 1024) {
		append(&r, STREAM_OUT, noise + at, 1024);
		assert_comes(w.out[0], noise + at, 1024);
	}
	append(&r, STREAM_OUT, noise, sizeof noise);
	append(&r, STREAM_ERR, noise, 1000);
	finish(&r, f);
	assert_comes(w.out[0], noise, sizeof noise);
	assert_comes(w.err[0], noise, 1000);
	end_follower(&w, LIVE_DONE);
}

static void a_silent_run_ends_as_well(void **state)
{
	struct fixture *f = *state;
	struct follower w = {0};
	struct recorder r;
	begin(&r, f, 0);
	start_follower(&w, f);
	gate_wait(&w.waits);
	finish(&r, f);
	end_follower(&w, LIVE_DONE);
}

static void a_held_run_is_not_shown_before_it_is_complete(void **state)
{
	struct fixture *f = *state;
	struct follower w = {0};
	struct recorder r;
	begin(&r, f, CAPSULE_HELD);
	append(&r, STREAM_OUT, "text", 4);
	start_follower(&w, f);
	assert_waits_in_silence(&w);
	finish(&r, f);
	assert_comes(w.out[0], "text", 4);
	end_follower(&w, LIVE_DONE);
}

/* --- and otherwise --- */

static void a_run_given_up_is_told(void **state)
{
	struct fixture *f = *state;
	static const enum capsule_state states[] = {CAPSULE_GIVEN_UP, CAPSULE_ELSEWHERE};
	for (int i = 0; i < 2; i++) {
		struct follower w = {0};
		struct recorder r;
		begin(&r, f, 0);
		append(&r, STREAM_OUT, "text", 4);
		start_follower(&w, f);
		assert_comes(w.out[0], "text", 4);
		recorder_give_up(&r, states[i]);
		let_go(&r, f);
		end_follower(&w, LIVE_ENDED);
	}
}

static void what_is_not_accepted_is_not_shown(void **state)
{
	struct fixture *f = *state;
	struct follower w = {.refuses = true};
	struct recorder r;
	begin(&r, f, 0);
	append(&r, STREAM_OUT, "text", 4);
	start_follower(&w, f);
	end_follower(&w, LIVE_REFUSED);
	finish(&r, f);
}

struct leader {
	const struct fixture *f;
	struct gate never;
};

static int lead_half(void *context)
{
	struct leader *l = context;
	struct recorder r;
	if (lead(&r, &l->f->home, 0) < 0 || recorder_append(&r, STREAM_OUT, "half", 4, NULL) != DPC_OK)
		return 1;
	gate_open(&l->never);
	pause();
	return 0;
}

/* At work, with half of its output written. */
static pid_t start_leader(const struct fixture *f)
{
	struct leader l = {.f = f};
	gate_init(&l.never);
	pid_t pid = child_start(lead_half, &l);
	gate_wait(&l.never);
	gate_release(&l.never);
	return pid;
}

static void a_leader_that_is_killed_is_found_dead(void **state)
{
	struct fixture *f = *state;
	/* Its close is told before its lock is gone: many times, to meet that. */
	for (int i = 0; i < 40; i++) {
		struct follower w = {.no_inotify = i % 8 == 7};
		pid_t leader = start_leader(f);
		start_follower(&w, f);
		assert_comes(w.out[0], "half", 4);
		assert_int_equal(child_kill(leader), 256 + SIGKILL);
		end_follower(&w, LIVE_DIED);
		assert_int_equal(unlink(lock_path(f)), 0);
	}
}

static void a_leader_that_dies_before_it_says_anything_is_found_dead(void **state)
{
	struct fixture *f = *state;
	enum live_end end;
	struct live l;
	int fd = lock_open(&f->home, &KEY);
	live_init(&l, -1, -1);
	assert_int_equal(live_follow(&end, &l, fd, DPC_FOREVER, NULL), DPC_OK);
	assert_int_equal(end, LIVE_DIED);
	assert_int_equal(l.head.pid, 0);
	/* And nobody is locked out by who found it. */
	int other = lock_open(&f->home, &KEY);
	assert_int_equal(lock_try_exclusive(other), 1);
	close(other);
	close(fd);
}

static void the_next_leaders_output_goes_on_where_the_last_one_died(void **state)
{
	struct fixture *f = *state;
	struct follower w = {.given = "half"};
	struct recorder r;
	begin(&r, f, 0);
	start_follower(&w, f);
	append(&r, STREAM_OUT, "half of", 7);
	assert_comes(w.out[0], " of", 3);
	append(&r, STREAM_OUT, " it", 3);
	assert_comes(w.out[0], " it", 3);
	finish(&r, f);
	end_follower(&w, LIVE_DONE);
}

static void one_stream_waits_until_the_other_has_come_as_far(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 2; i++) {
		struct follower w = {.given = "half"};
		struct recorder r;
		begin(&r, f, 0);
		append(&r, STREAM_ERR, "note", 4);
		append(&r, STREAM_OUT, "ha", 2);
		start_follower(&w, f);
		gate_wait(&w.waits);
		struct pollfd p = {.fd = w.err[0], .events = POLLIN};
		assert_int_equal(poll(&p, 1, 0), 0);
		append(&r, STREAM_OUT, i ? "ha" : "lf of it", i ? 2 : 8);
		finish(&r, f);
		if (i == 0) {
			assert_comes(w.err[0], "note", 4);
			assert_comes(w.out[0], " of it", 6);
		}
		end_follower(&w, i ? 100 - DPC_E_CONFLICT : LIVE_DONE);
	}
}

static void a_next_leader_who_says_something_else_is_a_conflict(void **state)
{
	struct fixture *f = *state;
	static const char *const texts[] = {"something else", "ha"};
	for (int i = 0; i < 2; i++) {
		struct follower w = {.given = "half"};
		struct recorder r;
		begin(&r, f, 0);
		start_follower(&w, f);
		gate_wait(&w.waits);
		append(&r, STREAM_OUT, texts[i], strlen(texts[i]));
		finish(&r, f);
		end_follower(&w, 100 - DPC_E_CONFLICT);
	}
}

static void a_wait_ends_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	enum live_end end;
	struct live l;
	struct recorder r;
	begin(&r, f, 0);
	int fd = lock_open(&f->home, &KEY);
	const int64_t deadlines[] = {0, clock_mono_ns() + 20000000};
	for (int i = 0; i < 2; i++) {
		live_init(&l, -1, -1);
		assert_int_equal(live_follow(&end, &l, fd, deadlines[i], NULL), DPC_OK);
		assert_int_equal(end, LIVE_TIMED_OUT);
		assert_true(clock_mono_ns() >= deadlines[i]);
	}
	close(fd);
	finish(&r, f);
}

static void damage_is_told(void **state)
{
	struct fixture *f = *state;
	enum live_end end;
	struct live l;
	struct recorder r;
	begin(&r, f, 0);
	int fd = lock_open(&f->home, &KEY);
	append(&r, STREAM_OUT, "text", 4);
	assert_int_equal(pwrite(fd, "n", 1, lseek(fd, 0, SEEK_END) - 2), 1);
	finish(&r, f);
	live_init(&l, -1, -1);
	assert_int_equal(live_follow(&end, &l, fd, DPC_FOREVER, NULL), DPC_E_CORRUPT);
	close(fd);
}

/* --- those who read --- */

static void a_reader_that_goes_away_is_no_error(void **state)
{
	struct fixture *f = *state;
	struct follower w = {0};
	struct recorder r;
	begin(&r, f, 0);
	start_follower(&w, f);
	append(&r, STREAM_OUT, "one", 3);
	assert_comes(w.out[0], "one", 3);
	close(w.out[0]);
	w.out[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	append(&r, STREAM_OUT, "two", 3);
	append(&r, STREAM_ERR, "three", 5);
	assert_comes(w.err[0], "three", 5);
	finish(&r, f);
	end_follower(&w, LIVE_DONE);
}

static void a_stream_that_takes_no_more_is_an_error(void **state)
{
	struct fixture *f = *state;
	enum live_end end;
	struct live l;
	struct recorder r;
	dpc_error err = {0};
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	if (full < 0)
		skip();
	begin(&r, f, 0);
	append(&r, STREAM_ERR, "text", 4);
	int fd = lock_open(&f->home, &KEY);
	finish(&r, f);
	live_init(&l, -1, full);
	assert_int_equal(live_follow(&end, &l, fd, DPC_FOREVER, &err), DPC_E_IO);
	assert_non_null(strstr(err.message, "stderr"));
	close(fd);
	close(full);
}

/* --- those who wait --- */

static int count_waiters(const struct fixture *f)
{
	int fd = open(lock_path(f), O_RDONLY | O_CLOEXEC);
	int n = proclocks_waiters(fd);
	close(fd);
	return n;
}

static void those_who_wait_can_be_counted(void **state)
{
	struct fixture *f = *state;
	struct follower a = {0}, b = {0};
	struct recorder r;
	begin(&r, f, 0);
	start_follower(&a, f);
	start_follower(&b, f);
	gate_wait(&a.waits);
	gate_wait(&b.waits);
	assert_int_equal(count_waiters(f), 2);
	finish(&r, f);
	end_follower(&a, LIVE_DONE);
	end_follower(&b, LIVE_DONE);
	/* One who has done waiting does not count, though its file is open. */
	enum live_end end;
	struct live l;
	begin(&r, f, 0);
	int fd = lock_open(&f->home, &KEY);
	live_init(&l, -1, -1);
	assert_int_equal(live_follow(&end, &l, fd, 0, NULL), DPC_OK);
	assert_int_equal(count_waiters(f), 0);
	close(fd);
	finish(&r, f);
}

static void count(void *context)
{
	++*(int *)context;
}

static void count_waits(void *context, const struct capsule *head)
{
	(void)head;
	*(int *)context += 100;
}

static void the_first_byte_that_goes_out_is_announced_and_once(void **state)
{
	struct fixture *f = *state;
	enum live_end end;
	struct live l;
	struct recorder r;
	int calls = 0, null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	begin(&r, f, 0);
	append(&r, STREAM_OUT, "one", 3);
	append(&r, STREAM_ERR, "two", 3);
	int fd = lock_open(&f->home, &KEY);
	finish(&r, f);
	live_init(&l, null, null);
	l.context = &calls;
	l.relaying = count;
	l.waiting = count_waits;
	assert_int_equal(live_follow(&end, &l, fd, DPC_FOREVER, NULL), DPC_OK);
	assert_int_equal(end, LIVE_DONE);
	assert_true(l.relayed);
	assert_int_equal(calls, 1);
	close(fd);
	close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_key(output_goes_out_while_the_run_is_at_work),
	    with_key(large_output_goes_out_whole),
	    with_key(a_silent_run_ends_as_well),
	    with_key(a_held_run_is_not_shown_before_it_is_complete),
	    with_key(a_run_given_up_is_told),
	    with_key(what_is_not_accepted_is_not_shown),
	    with_key(a_leader_that_is_killed_is_found_dead),
	    with_key(a_leader_that_dies_before_it_says_anything_is_found_dead),
	    with_key(the_next_leaders_output_goes_on_where_the_last_one_died),
	    with_key(one_stream_waits_until_the_other_has_come_as_far),
	    with_key(a_next_leader_who_says_something_else_is_a_conflict),
	    with_key(a_wait_ends_at_its_deadline),
	    with_key(damage_is_told),
	    with_key(a_reader_that_goes_away_is_no_error),
	    with_key(a_stream_that_takes_no_more_is_an_error),
	    with_key(those_who_wait_can_be_counted),
	    with_key(the_first_byte_that_goes_out_is_announced_and_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
