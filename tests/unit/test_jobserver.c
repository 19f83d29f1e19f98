/* make's job tokens, in pipes of our own and with make itself. */
#include "support.h"

#include "jobserver.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct fixture *f;
static int tokens[2];
static char self[PATH_MAX]; /* this program, for recipes to run */

static int jobserver_setup(void **state)
{
	int rc = fixture_setup(state);
	f = *state;
	parents_lock = -1;
	assert_int_equal(pipe2(tokens, O_CLOEXEC), 0);
	unsetenv("MAKEFLAGS");
	return rc;
}

static int jobserver_teardown(void **state)
{
	unsetenv("MAKEFLAGS");
	close(tokens[0]);
	close(tokens[1]);
	return fixture_teardown(state);
}

#define with_tokens(test) cmocka_unit_test_setup_teardown(test, jobserver_setup, jobserver_teardown)

/* MAKEFLAGS with two descriptors in it; one may be nonsense. */
static void set_flags(const char *before, int in, int out, const char *behind)
{
	char flags[256];
	snprintf(flags, sizeof flags, "%s%d,%d%s", before, in, out, behind);
	setenv("MAKEFLAGS", flags, 1);
}

static int tokens_in(int fd)
{
	int n = -1;
	assert_int_equal(ioctl(fd, FIONREAD, &n), 0);
	return n;
}

static void assert_gives_and_takes(void)
{
	struct jobserver j;
	char c;
	int before = tokens_in(tokens[0]);
	jobserver_give(&j);
	assert_true(j.given);
	assert_int_equal(tokens_in(tokens[0]), before + 1);
	jobserver_take(&j);
	assert_false(j.given);
	assert_int_equal(tokens_in(tokens[0]), before);
	/* The token is one that make knows. */
	jobserver_give(&j);
	assert_int_equal(read(tokens[0], &c, 1), 1);
	assert_int_equal(c, '+');
	assert_int_equal(write(tokens[1], "+", 1), 1);
	jobserver_take(&j);
}

static void assert_does_nothing(void)
{
	struct jobserver j;
	int before = tokens_in(tokens[0]);
	jobserver_give(&j);
	assert_false(j.given);
	assert_int_equal(tokens_in(tokens[0]), before);
	jobserver_take(&j);
	assert_int_equal(tokens_in(tokens[0]), before);
}

static void without_make_nothing_is_done(void **state)
{
	(void)state;
	assert_does_nothing();
	setenv("MAKEFLAGS", "", 1);
	assert_does_nothing();
	setenv("MAKEFLAGS", "ks -j2", 1);
	assert_does_nothing();
}

static void a_token_is_given_and_taken_again(void **state)
{
	(void)state;
	set_flags(" -j2 --jobserver-auth=", tokens[0], tokens[1], "");
	assert_gives_and_takes();
	assert_int_equal(write(tokens[1], "+++", 3), 3);
	assert_gives_and_takes();
}

static void the_older_name_does_as_well(void **state)
{
	(void)state;
	set_flags("k --jobserver-fds=", tokens[0], tokens[1], " -j");
	assert_gives_and_takes();
}

static void the_last_that_is_named_counts(void **state)
{
	(void)state;
	set_flags("--jobserver-auth=98,99 -j --jobserver-auth=", tokens[0], tokens[1], "");
	assert_gives_and_takes();
	set_flags("--jobserver-auth=", tokens[0], tokens[1], " --jobserver-fds=98,99");
	assert_does_nothing();
	set_flags("--jobserver-auth=", tokens[0], tokens[1], " --jobserver-auth=fifo:/nonexistent");
	assert_does_nothing();
}

static void a_variable_that_looks_like_it_does_not_count(void **state)
{
	(void)state;
	set_flags("-j2 -- X=1 --jobserver-auth=", tokens[0], tokens[1], "");
	assert_does_nothing();
	set_flags("X--jobserver-auth=", tokens[0], tokens[1], "");
	assert_does_nothing();
}

static void what_is_no_pair_of_numbers_is_left_alone(void **state)
{
	(void)state;
	static const char *const wrong[] = {"",    "3",     "3,",   ",4",           "-2,-2",
	                                    "3;4", "3,4,5", "3,4x", "99999999999,4"};
	char flags[64];
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(flags, sizeof flags, "--jobserver-auth=%s", wrong[i]);
		setenv("MAKEFLAGS", flags, 1);
		assert_does_nothing();
	}
	set_flags("--jobserver-auth=", tokens[0], tokens[1], ",");
	assert_does_nothing();
}

static void descriptors_that_are_something_else_are_left_alone(void **state)
{
	(void)state;
	int other[2], file = open(path_in(f, "file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pipe2(other, O_CLOEXEC), 0);
	set_flags("--jobserver-auth=", tokens[0], 999, "");
	assert_does_nothing();
	set_flags("--jobserver-auth=", 999, tokens[1], "");
	assert_does_nothing();
	/* Ends of two pipes. */
	set_flags("--jobserver-auth=", tokens[0], other[1], "");
	assert_does_nothing();
	assert_int_equal(tokens_in(other[0]), 0);
	/* The wrong way round. */
	set_flags("--jobserver-auth=", tokens[1], tokens[0], "");
	assert_does_nothing();
	set_flags("--jobserver-auth=", tokens[1], tokens[1], "");
	assert_does_nothing();
	set_flags("--jobserver-auth=", tokens[0], tokens[0], "");
	assert_does_nothing();
	set_flags("--jobserver-auth=", file, file, "");
	assert_does_nothing();
	assert_int_equal(lseek(file, 0, SEEK_END), 0);
	close(file);
	close(other[0]);
	close(other[1]);
}

static void where_there_is_no_room_no_token_is_given(void **state)
{
	(void)state;
	struct jobserver j;
	set_flags("--jobserver-auth=", tokens[0], tokens[1], "");
	int flags = fcntl(tokens[1], F_GETFL);
	fcntl(tokens[1], F_SETFL, flags | O_NONBLOCK);
	while (write(tokens[1], "+", 1) == 1)
		;
	assert_int_equal(errno, EAGAIN);
	fcntl(tokens[1], F_SETFL, flags);
	/* Would it wait, the alarm would end it. */
	alarm(60);
	jobserver_give(&j);
	alarm(0);
	assert_false(j.given);
}

static void a_named_pipe_is_opened_and_closed_again(void **state)
{
	(void)state;
	char flags[PATH_MAX + 64];
	struct jobserver j;
	close(tokens[0]);
	close(tokens[1]);
	assert_int_equal(mkfifo(path_in(f, "fifo"), 0600), 0);
	tokens[0] = tokens[1] = open(path_in(f, "fifo"), O_RDWR | O_CLOEXEC);
	snprintf(flags, sizeof flags, " -j2 --jobserver-auth=fifo:%s -- X=y", path_in(f, "fifo"));
	setenv("MAKEFLAGS", flags, 1);
	assert_gives_and_takes();
	jobserver_give(&j);
	assert_true(j.in >= OS_FD_FLOOR);
	assert_true(fcntl(j.in, F_GETFD) & FD_CLOEXEC);
	int was = j.in;
	jobserver_take(&j);
	assert_false(os_fd_is_open(was));
	tokens[1] = dup(tokens[0]);
}

static void a_name_that_is_no_pipes_is_left_alone(void **state)
{
	(void)state;
	char flags[PATH_MAX + 64];
	struct jobserver j;
	write_text(path_in(f, "file"), "text");
	snprintf(flags, sizeof flags, "--jobserver-auth=fifo:%s", path_in(f, "file"));
	setenv("MAKEFLAGS", flags, 1);
	assert_does_nothing();
	struct buf content = {0};
	read_file(&content, path_in(f, "file"));
	assert_true(slice_equal(slice_of_buf(&content), slice_of("text")));
	buf_release(&content);
	setenv("MAKEFLAGS", "--jobserver-auth=fifo:", 1);
	assert_does_nothing();
	jobserver_give(&j);
	assert_int_equal(j.in, -1);
}

/* --- taking has to wait --- */

static struct gate given, interrupted;

static void on_signal(int signal)
{
	(void)signal;
	gate_open(&interrupted);
}

/* Gives, lets somebody else work with the token, takes one again. */
static int give_then_take(void *context)
{
	(void)context;
	struct jobserver j;
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGUSR1, &action, NULL);
	jobserver_give(&j);
	if (!j.given)
		return 1;
	gate_open(&given);
	while (tokens_in(tokens[0]) > 0)
		sched_yield();
	jobserver_take(&j);
	return 0;
}

/* Nothing else that it does puts it to sleep. */
static bool is_asleep(pid_t pid)
{
	char path[64], text[256] = "";
	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
	close(fd);
	const char *behind_name = strrchr(text, ')');
	return behind_name && behind_name[2] == 'S';
}

static void until_asleep(pid_t pid)
{
	while (!is_asleep(pid))
		sched_yield();
}

static void assert_take_waits(void)
{
	char c;
	gate_init(&given);
	gate_init(&interrupted);
	pid_t pid = child_start(give_then_take, NULL);
	gate_wait(&given);
	assert_int_equal(read(tokens[0], &c, 1), 1);
	until_asleep(pid);
	kill(pid, SIGUSR1);
	gate_wait(&interrupted);
	until_asleep(pid);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_int_equal(write(tokens[1], "+", 1), 1);
	assert_int_equal(child_wait(pid), 0);
	assert_int_equal(tokens_in(tokens[0]), 0);
	gate_release(&given);
	gate_release(&interrupted);
}

static void taking_waits_for_a_token_through_signals(void **state)
{
	(void)state;
	set_flags("--jobserver-auth=", tokens[0], tokens[1], "");
	assert_take_waits();
}

static void taking_waits_where_reading_does_not(void **state)
{
	/* As make 4.3 sets it. */
	(void)state;
	set_flags("--jobserver-auth=", tokens[0], tokens[1], "");
	fcntl(tokens[0], F_SETFL, fcntl(tokens[0], F_GETFL) | O_NONBLOCK);
	assert_take_waits();
}

static void where_the_pipe_is_broken_taking_ends(void **state)
{
	(void)state;
	struct jobserver j;
	set_flags("--jobserver-auth=", tokens[0], tokens[1], "");
	jobserver_give(&j);
	close(tokens[0]);
	jobserver_take(&j);
	assert_false(j.given);
	tokens[0] = dup(tokens[1]);
}

/* --- with make itself --- */

/* What it printed on both streams; its exit status is put behind. */
static void run_make(struct buf *out, const char *options, const char *makefile)
{
	char command[3 * PATH_MAX], chunk[512];
	size_t n;
	unsetenv("MAKELEVEL");
	unsetenv("MFLAGS");
	write_text(path_in(f, "makefile"), makefile);
	/* A make that waits for ever has to fail the test. */
	snprintf(command, sizeof command,
	         "cd '%s' && PROBE='%s' timeout 120 make --no-print-directory %s -f makefile 2>&1; echo $?",
	         f->dir, self, options);
	FILE *make = popen(command, "re");
	assert_non_null(make);
	while ((n = fread(chunk, 1, sizeof chunk, make)) > 0)
		buf_put(out, chunk, n);
	pclose(make);
}

static void assert_make_prints(const char *options, const char *makefile, const char *want)
{
	struct buf out = {0};
	run_make(&out, options, makefile);
	if (!slice_equal(slice_of_buf(&out), slice_of(want)))
		fail_msg("make printed: %.*s", (int)out.size, (const char *)out.data);
	buf_release(&out);
}

static void make_hands_tokens_to_lines_with_a_plus_alone(void **state)
{
	(void)state;
	assert_make_prints("-j2", "all:\n\t@$$PROBE probe\n", "none\n0\n");
	assert_make_prints("-j2", "all:\n\t+@$$PROBE probe\n", "given\n0\n");
	assert_make_prints("", "all:\n\t+@$$PROBE probe\n", "none\n0\n");
	/* A line that has other pipes open where make's would be. */
	assert_make_prints("-j2", "all:\n\t@echo x | { exec 3<&0; $$PROBE probe 4>/dev/null; }\n", "none\n0\n");
}

static void a_make_within_make_hands_on_tokens(void **state)
{
	(void)state;
	assert_make_prints("-j2",
	                   "all:\n\t@$(MAKE) -f makefile inner\n"
	                   "inner:\n\t+@$$PROBE probe\n",
	                   "given\n0\n");
}

static void a_token_given_is_another_jobs_to_work_with(void **state)
{
	/* `one` and `two` have to meet, and `waiter` waits for both: three at work,
	 * where make allows for two. */
	(void)state;
	static const char *const fifos[] = {"there", "back", "met"};
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(mkfifo(path_in(f, fifos[i]), 0600), 0);
	assert_make_prints("-j2",
	                   "all: waiter one two\n\t@echo all done\n"
	                   "waiter:\n\t+@$$PROBE wait met\n"
	                   "one:\n\t@echo x >there; read x <back\n"
	                   "two:\n\t@read x <there; echo x >back; echo x >met\n",
	                   "given\nall done\n0\n");
}

/* What a recipe runs: the same program. */
static int probe(char **argv)
{
	struct jobserver j;
	char c;
	jobserver_give(&j);
	puts(j.given ? "given" : "none");
	if (argv[2]) {
		int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, &c, 1) != 1)
			return 1;
	}
	jobserver_take(&j);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return probe(argv);
	if (!realpath("/proc/self/exe", self))
		return 1;
	const struct CMUnitTest tests[] = {
	    with_tokens(without_make_nothing_is_done),
	    with_tokens(a_token_is_given_and_taken_again),
	    with_tokens(the_older_name_does_as_well),
	    with_tokens(the_last_that_is_named_counts),
	    with_tokens(a_variable_that_looks_like_it_does_not_count),
	    with_tokens(what_is_no_pair_of_numbers_is_left_alone),
	    with_tokens(descriptors_that_are_something_else_are_left_alone),
	    with_tokens(where_there_is_no_room_no_token_is_given),
	    with_tokens(a_named_pipe_is_opened_and_closed_again),
	    with_tokens(a_name_that_is_no_pipes_is_left_alone),
	    with_tokens(taking_waits_for_a_token_through_signals),
	    with_tokens(taking_waits_where_reading_does_not),
	    with_tokens(where_the_pipe_is_broken_taking_ends),
	    with_tokens(make_hands_tokens_to_lines_with_a_plus_alone),
	    with_tokens(a_make_within_make_hands_on_tokens),
	    with_tokens(a_token_given_is_another_jobs_to_work_with),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
