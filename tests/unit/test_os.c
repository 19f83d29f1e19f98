/* What the operating system needs to be asked twice for. */
#include "support.h"

#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int open_scratch(const struct fixture *f, const char *name)
{
	int fd = open(path_in(f, name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void a_descriptor_and_its_copy_are_one_open_file(void **state)
{
	struct fixture *f = *state;
	int a = open_scratch(f, "x"), b = dup(a);
	assert_true(os_same_open_file(a, b));
	assert_true(os_same_open_file(a, a));
	close(a);
	close(b);
}

static void a_file_opened_twice_has_two_offsets(void **state)
{
	struct fixture *f = *state;
	int a = open_scratch(f, "x"), b = open_scratch(f, "x");
	/* A kernel, or a sandbox, that does not answer leaves it open. */
	bool answers = syscall(SYS_kcmp, getpid(), getpid(), 0, a, b) >= 0;
	bool same = os_same_open_file(a, b);
	close(a);
	close(b);
	if (!answers)
		skip();
	assert_false(same);
}

static void two_files_are_not_one(void **state)
{
	struct fixture *f = *state;
	int a = open_scratch(f, "x"), b = open_scratch(f, "y");
	assert_false(os_same_open_file(a, b));
	close(a);
	close(b);
}

static void a_pipe_is_one_place_however_it_was_opened(void **state)
{
	struct fixture *f = *state;
	int p[2], q[2];
	assert_int_equal(pipe(p), 0);
	assert_int_equal(pipe(q), 0);
	int copy = dup(p[1]);
	assert_true(os_same_open_file(p[1], copy));
	assert_false(os_same_open_file(p[1], q[1]));
	close(copy);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
	assert_int_equal(mkfifo(path_in(f, "fifo"), 0600), 0);
	int a = open(path_in(f, "fifo"), O_RDWR | O_CLOEXEC), b = open(path_in(f, "fifo"), O_RDWR | O_CLOEXEC);
	assert_true(a >= 0 && b >= 0);
	assert_true(os_same_open_file(a, b));
	close(a);
	close(b);
}

static void a_closed_descriptor_is_the_same_as_none(void **state)
{
	struct fixture *f = *state;
	int a = open_scratch(f, "x"), b = dup(a);
	close(b);
	assert_false(os_same_open_file(a, b));
	assert_false(os_same_open_file(b, a));
	assert_false(os_same_open_file(-1, -1));
	close(a);
}

static void remote_file_systems_are_known_by_their_numbers(void **state)
{
	(void)state;
	static const struct {
		uint32_t magic;
		const char *name;
	} remote[] = {
	    {0x6969, "NFS"},    {0xff534d42, "CIFS"}, {0xfe534d42, "SMB2"}, {0x517b, "SMB"},
	    {0x01021997, "9p"}, {0x65735546, "FUSE"}, {0x00c36400, "Ceph"}, {0x5346414f, "AFS"},
	};
	for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
		assert_string_equal(os_remote_fs_name_of_magic(remote[i].magic), remote[i].name);
}

static void local_file_systems_are_not_remote(void **state)
{
	(void)state;
	/* ext4, xfs, btrfs, tmpfs, overlayfs, zfs, f2fs, ramfs. */
	static const uint32_t local[] = {0xef53,     0x58465342, 0x9123683e, 0x01021994,
	                                 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0x858458f6};
	for (size_t i = 0; i < sizeof local / sizeof *local; i++)
		assert_null(os_remote_fs_name_of_magic(local[i]));
	int fd = open("/proc", O_RDONLY | O_CLOEXEC);
	assert_null(os_remote_fs_name(fd));
	close(fd);
	assert_null(os_remote_fs_name(-1));
}

/* --- standard descriptors, in children, for the runner needs its own --- */

static bool leads_to_null(int fd)
{
	struct stat st, null;
	return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == null.st_rdev;
}

/* `context` points to the descriptors to be closed, as bits. */
static int fill_after_closing(void *context)
{
	unsigned closed = *(unsigned *)context;
	/* All three to be something else than /dev/null first. */
	int p[2];
	if (pipe(p) < 0)
		return 10;
	int high = fcntl(p[1], F_DUPFD_CLOEXEC, 50);
	for (int fd = 0; fd <= 2; fd++)
		if (high < 0 || dup2(high, fd) < 0)
			return 11;
	for (int fd = 0; fd <= 2; fd++)
		if (closed >> fd & 1)
			close(fd);
	if (os_fill_standard_fds() != closed)
		return 1;
	for (int fd = 0; fd <= 2; fd++) {
		bool was_closed = closed >> fd & 1;
		if (!os_fd_is_open(fd) || leads_to_null(fd) != was_closed)
			return 2;
		/* Until the next exec: the command is to see them closed again. */
		if (was_closed != !!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			return 3;
	}
	/* Filled once, there is nothing left to fill. */
	return os_fill_standard_fds() == 0 ? 0 : 4;
}

static void closed_standard_descriptors_are_filled_until_the_next_exec(void **state)
{
	(void)state;
	for (unsigned closed = 0; closed < 8; closed++)
		assert_int_equal(child_wait(child_start(fill_after_closing, &closed)), 0);
}

static void a_descriptor_is_moved_out_of_the_commands_way(void **state)
{
	struct fixture *f = *state;
	int low = open_scratch(f, "x");
	int high = os_raise_fd(low);
	assert_true(high >= OS_FD_FLOOR);
	assert_true(fcntl(high, F_GETFD) & FD_CLOEXEC);
	assert_false(os_fd_is_open(low));
	/* One that is high already stays where it is. */
	assert_int_equal(os_raise_fd(high), high);
	close(high);
	assert_false(os_fd_is_open(high));
}

static void no_descriptor_stays_none_with_its_errno(void **state)
{
	struct fixture *f = *state;
	errno = 0;
	assert_int_equal(os_openat_high(AT_FDCWD, path_in(f, "nowhere"), O_RDONLY, 0), -1);
	assert_int_equal(errno, ENOENT);
}

static void a_file_opened_high_is_high_and_closed_on_exec(void **state)
{
	struct fixture *f = *state;
	int fd = os_openat_high(f->home.fd, "made", O_RDWR | O_CREAT, 0600);
	assert_true(fd >= OS_FD_FLOOR);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_int_equal(access(path_at_home(f, "made"), F_OK), 0);
}

enum { LARGE = 1 << 20 };
static uint8_t large[LARGE];

static int drain_and_compare(void *context)
{
	int fd = *(int *)context;
	static uint8_t got[LARGE + 1];
	if (os_read_full(fd, got, sizeof got) != LARGE)
		return 1;
	return memcmp(got, large, LARGE) ? 2 : 0;
}

static void all_is_written_to_a_pipe_that_may_not_block(void **state)
{
	(void)state;
	int p[2];
	fill_noise(large, sizeof large, 3);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	/* Only the write end; O_NONBLOCK belongs to the end it was set on. */
	assert_int_equal(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
	pid_t reader = fork();
	if (reader == 0) {
		close(p[1]);
		_exit(drain_and_compare(&p[0]));
	}
	assert_true(reader > 0);
	close(p[0]);
	assert_int_equal(os_write_all(p[1], large, sizeof large), 0);
	close(p[1]);
	assert_int_equal(child_wait(reader), 0);
}

static void a_read_ends_short_only_at_the_end(void **state)
{
	struct fixture *f = *state;
	char got[16];
	int fd = open_scratch(f, "x");
	assert_int_equal(os_write_all(fd, "0123456789", 10), 0);
	assert_int_equal(os_pread_full(fd, got, 4, 3), 4);
	assert_memory_equal(got, "3456", 4);
	assert_int_equal(os_pread_full(fd, got, sizeof got, 8), 2);
	assert_int_equal(os_pread_full(fd, got, sizeof got, 10), 0);
	assert_int_equal(os_pwrite_all(fd, "xy", 2, 4), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(os_read_full(fd, got, sizeof got), 10);
	assert_memory_equal(got, "0123xy6789", 10);
	close(fd);
}

static void errors_are_reported_not_retried(void **state)
{
	(void)state;
	char byte = 0;
	assert_int_equal(os_write_all(-1, &byte, 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(os_pwrite_all(-1, &byte, 1, 0), -1);
	assert_int_equal(os_read_full(-1, &byte, 1), -1);
	assert_int_equal(os_pread_full(-1, &byte, 1, 0), -1);
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	if (full >= 0) {
		assert_int_equal(os_write_all(full, &byte, 1), -1);
		assert_int_equal(errno, ENOSPC);
		close(full);
	}
	assert_int_equal(os_write_all(-1, &byte, 0), 0);
}

static void random_bytes_differ(void **state)
{
	(void)state;
	uint8_t a[32] = {0}, b[32] = {0};
	assert_int_equal(os_random(a, sizeof a), 0);
	assert_int_equal(os_random(b, sizeof b), 0);
	assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(a_descriptor_and_its_copy_are_one_open_file),
	    with_home(a_file_opened_twice_has_two_offsets),
	    with_home(two_files_are_not_one),
	    with_home(a_pipe_is_one_place_however_it_was_opened),
	    with_home(a_closed_descriptor_is_the_same_as_none),
	    cmocka_unit_test(remote_file_systems_are_known_by_their_numbers),
	    cmocka_unit_test(local_file_systems_are_not_remote),
	    cmocka_unit_test(closed_standard_descriptors_are_filled_until_the_next_exec),
	    with_home(a_descriptor_is_moved_out_of_the_commands_way),
	    with_home(no_descriptor_stays_none_with_its_errno),
	    with_home(a_file_opened_high_is_high_and_closed_on_exec),
	    cmocka_unit_test(all_is_written_to_a_pipe_that_may_not_block),
	    with_home(a_read_ends_short_only_at_the_end),
	    cmocka_unit_test(errors_are_reported_not_retried),
	    cmocka_unit_test(random_bytes_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
