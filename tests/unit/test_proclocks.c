/* Who holds and who waits, between real processes. */
#include "support.h"

#include "lines.h"
#include "os.h"
#include "proclocks.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

static struct fixture *f;

static int proclocks_setup(void **state)
{
	if (access("/proc/locks", R_OK) < 0)
		skip();
	parents_lock = -1;
	int rc = fixture_setup(state);
	f = *state;
	return rc;
}

#define with_files(test) cmocka_unit_test_setup_teardown(test, proclocks_setup, fixture_teardown)

static int open_at(const char *path)
{
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int open_named(const char *name)
{
	int fd = open_at(path_in(f, name));
	assert_true(fd >= 0);
	return fd;
}

/* Other programs' locks may make the list long, and leave gaps in it. */
static void until_waiters(int fd, int count)
{
	while (proclocks_waiters(fd) != count)
		sched_yield();
}

static void until_holder(int fd, pid_t pid)
{
	while (proclocks_holder(fd) != pid)
		sched_yield();
}

static int wait_exclusive(void *context)
{
	int fd = open_at(context);
	return fd >= 0 && flock(fd, LOCK_EX) == 0 ? 0 : 1;
}

static int wait_shared(void *context)
{
	int fd = open_at(context);
	return fd >= 0 && flock(fd, LOCK_SH) == 0 ? 0 : 1;
}

struct announcer {
	const char *path;
	struct gate announced, end;
};

static int announce(void *context)
{
	struct announcer *a = context;
	int fd = open_at(a->path);
	if (fd < 0)
		return 1;
	proclocks_announce(fd);
	gate_open(&a->announced);
	gate_wait(&a->end);
	return 0;
}

static pid_t start_announcer(struct announcer *a, const char *path)
{
	a->path = path;
	gate_init(&a->announced);
	gate_init(&a->end);
	pid_t pid = child_start(announce, a);
	gate_wait(&a->announced);
	return pid;
}

static void end_announcer(struct announcer *a, pid_t pid)
{
	gate_open(&a->end);
	assert_int_equal(child_wait(pid), 0);
	gate_release(&a->announced);
	gate_release(&a->end);
}

static void a_file_that_nobody_locked_has_no_holder_and_no_waiters(void **state)
{
	(void)state;
	int fd = open_named("file");
	assert_int_equal(proclocks_holder(fd), 0);
	assert_int_equal(proclocks_waiters(fd), 0);
	close(fd);
}

static void the_exclusive_holder_is_told(void **state)
{
	(void)state;
	int fd = open_named("file"), other = open_named("other"), again = open_named("file");
	assert_int_equal(flock(fd, LOCK_EX), 0);
	until_holder(fd, getpid());
	until_holder(again, getpid());
	assert_int_equal(proclocks_holder(other), 0);
	assert_int_equal(proclocks_waiters(fd), 0);
	close(fd);
	assert_int_equal(proclocks_holder(again), 0);
	close(again);
	close(other);
}

static void who_shares_a_lock_is_no_holder(void **state)
{
	(void)state;
	int fd = open_named("file");
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_int_equal(proclocks_holder(fd), 0);
	assert_int_equal(proclocks_waiters(fd), 0);
	close(fd);
}

static void who_waits_is_no_holder(void **state)
{
	(void)state;
	int fd = open_named("file");
	assert_int_equal(flock(fd, LOCK_SH), 0);
	parents_lock = fd;
	pid_t pid = child_start(wait_exclusive, (void *)path_in(f, "file"));
	until_waiters(fd, 1);
	assert_int_equal(proclocks_holder(fd), 0);
	close(fd);
	assert_int_equal(child_wait(pid), 0);
}

static void all_who_are_blocked_in_flock_are_counted(void **state)
{
	(void)state;
	enum { WAITERS = 5 };
	pid_t pid[WAITERS + 1];
	const char *path = path_in(f, "file");
	int fd = open_named("file"), other = open_named("other");
	assert_int_equal(flock(fd, LOCK_EX), 0);
	parents_lock = fd;
	for (int i = 0; i < WAITERS; i++)
		pid[i] = child_start(wait_shared, (void *)path);
	pid[WAITERS] = child_start(wait_exclusive, (void *)path);
	until_waiters(fd, WAITERS + 1);
	assert_int_equal(proclocks_waiters(other), 0);
	until_holder(fd, getpid());
	close(fd);
	for (int i = 0; i <= WAITERS; i++)
		assert_int_equal(child_wait(pid[i]), 0);
	close(other);
}

static void who_has_announced_himself_is_counted_until_he_ends(void **state)
{
	(void)state;
	struct announcer a, b;
	int fd = open_named("file");
	assert_int_equal(flock(fd, LOCK_EX), 0);
	pid_t first = start_announcer(&a, path_in(f, "file"));
	until_waiters(fd, 1);
	pid_t second = start_announcer(&b, path_in(f, "file"));
	until_waiters(fd, 2);
	until_holder(fd, getpid());
	end_announcer(&a, first);
	until_waiters(fd, 1);
	assert_int_equal(child_kill(second), 256 + 9);
	assert_int_equal(proclocks_waiters(fd), 0);
	gate_release(&b.announced);
	gate_release(&b.end);
	close(fd);
}

struct sought {
	struct proclocks_file file;
	struct proclock found;
	int count;
};

static bool seek(void *context, const struct proclock *l)
{
	struct sought *s = context;
	if (proclocks_same(&l->file, &s->file)) {
		s->found = *l;
		s->count++;
	}
	return true;
}

static void an_announcement_tells_who_waits(void **state)
{
	(void)state;
	struct announcer a;
	struct sought s = {.count = 0};
	int fd = open_named("file");
	pid_t pid = start_announcer(&a, path_in(f, "file"));
	assert_int_equal(proclocks_locate(&s.file, fd), 0);
	while (s.count != 1) {
		s.count = 0;
		assert_true(proclocks_each(seek, &s) >= 0);
	}
	assert_int_equal(s.found.kind, PROCLOCK_ANNOUNCEMENT);
	assert_true(s.found.waiting);
	assert_false(s.found.write);
	assert_int_equal(s.found.pid, pid);
	end_announcer(&a, pid);
	close(fd);
}

static void locks_of_other_kinds_count_for_nothing(void **state)
{
	(void)state;
	int fd = open_named("file");
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 100};
	struct flock byte = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 200, .l_len = 1};
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &whole), 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &byte), 0);
	assert_int_equal(proclocks_holder(fd), 0);
	assert_int_equal(proclocks_waiters(fd), 0);
	whole.l_start = 1000;
	assert_int_equal(fcntl(fd, F_SETLK, &whole), 0);
	assert_int_equal(proclocks_holder(fd), 0);
	assert_int_equal(proclocks_waiters(fd), 0);
	close(fd);
}

static bool count_ours(void *context, const struct proclock *l)
{
	int *n = context;
	*n += l->kind == PROCLOCK_FLOCK && l->pid == getpid();
	return true;
}

static void a_list_of_many_chunks_is_read_whole(void **state)
{
	/* Such a list may have gaps while others lock and unlock, but not for ever. */
	(void)state;
	enum { FILES = 600 };
	int fd[FILES], seen = 0;
	char name[16];
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "%d", i);
		fd[i] = open_named(name);
		assert_int_equal(flock(fd[i], LOCK_EX), 0);
	}
	for (int tries = 1000; seen != FILES && tries; tries--) {
		seen = 0;
		assert_int_equal(proclocks_each(count_ours, &seen), 1);
	}
	assert_int_equal(seen, FILES);
	for (int i = 0; i < FILES; i += 50)
		until_holder(fd[i], getpid());
	for (int i = 0; i < FILES; i++)
		close(fd[i]);
}

static bool stop(void *context, const struct proclock *l)
{
	(void)l;
	++*(int *)context;
	return false;
}

static void a_visit_can_be_ended(void **state)
{
	(void)state;
	int visits = 0, a = open_named("a"), b = open_named("b");
	assert_int_equal(flock(a, LOCK_EX), 0);
	assert_int_equal(flock(b, LOCK_EX), 0);
	assert_true(proclocks_each(stop, &visits) >= 0);
	assert_int_equal(visits, 1);
	close(a);
	close(b);
}

static void a_file_is_found_by_a_descriptor_that_cannot_read_it(void **state)
{
	(void)state;
	int fd = open_named("file"), bare = open(path_in(f, "file"), O_PATH | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	until_holder(bare, getpid());
	close(bare);
	close(fd);
}

static void a_file_in_memory_is_found(void **state)
{
	/* On a device that is none, so that the mount is asked. */
	(void)state;
	char path[] = "/dev/shm/dpcache-test-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		skip();
	unlink(path);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	until_holder(fd, getpid());
	close(fd);
}

static void what_is_no_descriptor_cannot_be_told(void **state)
{
	(void)state;
	assert_int_equal(proclocks_waiters(-1), -1);
	assert_int_equal(proclocks_holder(-1), 0);
	proclocks_announce(-1);
}

/* --- lines --- */

static void lines_are_cut_to_the_room_there_is(void **state)
{
	(void)state;
	struct lines l;
	char line[4];
	write_text(path_in(f, "file"), "a\n\nabcdef\nxyz");
	assert_int_equal(lines_open(&l, path_in(f, "file"), '\n'), 0);
	static const char *const want[] = {"a", "", "abc", "xyz"};
	for (int i = 0; i < 4; i++) {
		assert_true(lines_next(&l, line, sizeof line));
		assert_string_equal(line, want[i]);
	}
	assert_false(lines_next(&l, line, sizeof line));
	lines_close(&l);
	assert_int_equal(lines_open(&l, path_in(f, "none"), '\n'), -1);
}

static void a_line_longer_than_a_chunk_is_whole(void **state)
{
	(void)state;
	struct lines l;
	static char text[3 * sizeof l.chunk], line[sizeof text];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 10] = '\n';
	write_text(path_in(f, "file"), text);
	assert_int_equal(lines_open(&l, path_in(f, "file"), '\n'), 0);
	assert_true(lines_next(&l, line, sizeof line));
	assert_int_equal(strlen(line), sizeof text - 10);
	assert_true(lines_next(&l, line, sizeof line));
	assert_int_equal(strlen(line), 8);
	assert_false(lines_next(&l, line, sizeof line));
	lines_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_files(a_file_that_nobody_locked_has_no_holder_and_no_waiters),
	    with_files(the_exclusive_holder_is_told),
	    with_files(who_shares_a_lock_is_no_holder),
	    with_files(who_waits_is_no_holder),
	    with_files(all_who_are_blocked_in_flock_are_counted),
	    with_files(who_has_announced_himself_is_counted_until_he_ends),
	    with_files(an_announcement_tells_who_waits),
	    with_files(locks_of_other_kinds_count_for_nothing),
	    with_files(a_list_of_many_chunks_is_read_whole),
	    with_files(a_visit_can_be_ended),
	    with_files(a_file_is_found_by_a_descriptor_that_cannot_read_it),
	    with_files(a_file_in_memory_is_found),
	    with_files(what_is_no_descriptor_cannot_be_told),
	    with_files(lines_are_cut_to_the_room_there_is),
	    with_files(a_line_longer_than_a_chunk_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
