/* spawn: what it costs to start a command and see it end.
 *
 *   spawn [-n ROUNDS] [-w ROUNDS] [-o WHERE] [-p SCRIPT] COMMAND... [--- COMMAND...]...
 *   spawn -c COPIES [-k KEYS] [-x] [-o FILE] COMMAND...
 *   spawn -m FILE COMMAND...
 *
 * In the first form every round runs each command once, one after the other, so
 * that all of them meet the same weather; compare only what one run printed.
 *   -n ROUNDS   timed rounds (default 100)
 *   -w ROUNDS   untimed rounds before them (default 2)
 *   -o WHERE    the commands' stdout: null (default); pipe, which is drained
 *               here and whose end belongs to the timed section; or a file,
 *               emptied, untimed, before each run
 *   -p SCRIPT   run by /bin/sh -c, untimed, before each run of each command
 * Prints a line for each command, fields separated by tabs:
 *   median, 10th and 90th percentile (microseconds from spawn to exit); ratio of
 *   the median to that of the first command; peak RSS in KiB, the highest of all
 *   runs; bytes that the last run wrote (0 with -o null); name
 *
 * In the second form COPIES of one command are started at once. Prints a line
 * for each, in the order in which they ended, fields separated by tabs: pid;
 * milliseconds since the first start; milliseconds since its own start. With -o
 * FILE all append their stdout to FILE. With -x one that is killed is no failure.
 *
 * In the third form a line is appended to FILE: pids of the parent and the
 * grandparent, and the wall clock in milliseconds; then this becomes the command.
 * That costs a command its start much less than a shell's echo and date.
 *
 * %n in a word stands for the number of the round (of the copy): no two runs of
 * a command, timed or not, are given the same. With -k it is counted from 0 to
 * KEYS - 1, over and over. stdin is /dev/null.
 *
 * A command that ends with anything but 0 ends the measurement, with status 1:
 * what failed was not measured.
 *
 * Peak RSS is wait4's, and that is not only the process's own: Linux takes the
 * highest of it, of the children it has waited for, and of the memory it had
 * before exec, which after vfork is ours. So nothing below our own size, some
 * 2 MiB, can be seen; the buffers here are small for that reason. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct command {
	char **argv;
	double *us; /* of each timed round */
	long rss;
	long long bytes;
};

struct options {
	int rounds, warm_up, copies, keys;
	bool may_be_killed;
	const char *where;
	const char *script;
	const char *mark;
};

static void die(const char *what)
{
	fprintf(stderr, "spawn: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(void)
{
	fprintf(stderr, "usage: spawn [-n ROUNDS] [-w ROUNDS] [-o null|pipe|FILE] [-p SCRIPT] COMMAND... "
	                "[--- COMMAND...]...\n"
	                "       spawn -c COPIES [-k KEYS] [-x] [-o FILE] COMMAND...\n"
	                "       spawn -m FILE COMMAND...\n");
	exit(2);
}

static void *allocate(size_t count, size_t size)
{
	void *p = calloc(count, size);
	if (!p)
		die("allocate");
	return p;
}

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* --- a command's words, with the round's number in them --- */

static char *expand_word(char *word, long number)
{
	char *at = strstr(word, "%n"), *out;
	if (!at)
		return word;
	if (asprintf(&out, "%.*s%ld%s", (int)(at - word), word, number, at + 2) < 0)
		die("expand %n");
	return out;
}

static char **expand(char **argv, long number)
{
	size_t n = 0;
	while (argv[n])
		n++;
	char **out = allocate(n + 1, sizeof *out);
	for (size_t i = 0; i < n; i++)
		out[i] = expand_word(argv[i], number);
	return out;
}

static void free_expanded(char **expanded, char **argv)
{
	for (size_t i = 0; argv[i]; i++)
		if (expanded[i] != argv[i])
			free(expanded[i]);
	free(expanded);
}

/* --- one run --- */

static pid_t start(char **argv, int out)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	if (errno)
		die(argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static void insist_on_success(const char *name, int status)
{
	if (status == 0)
		return;
	fprintf(stderr, "spawn: %s: %s %d\n", name, WIFSIGNALED(status) ? "killed by signal" : "exit status",
	        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	exit(1);
}

static void prepare(const char *script)
{
	char *argv[] = {"/bin/sh", "-c", (char *)script, NULL};
	int status;
	if (!script)
		return;
	waitpid(start(argv, 2), &status, 0);
	insist_on_success(script, status);
}

static long long drain(int fd)
{
	static char chunk[65536];
	long long total = 0;
	ssize_t n;
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		total += n;
	if (n < 0)
		die("read from the pipe");
	close(fd);
	return total;
}

/* Where the next run's stdout goes; *reader is what is to be drained, or -1. */
static int open_output(const char *where, int *reader)
{
	int ends[2];
	*reader = -1;
	if (strcmp(where, "pipe") == 0) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			die("pipe");
		*reader = ends[0];
		return ends[1];
	}
	int fd = strcmp(where, "null") == 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC)
	                                    : open(where, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		die(where);
	return fd;
}

static long long file_size(const char *where)
{
	struct stat st;
	return stat(where, &st) == 0 && S_ISREG(st.st_mode) ? (long long)st.st_size : 0;
}

static double time_run(struct command *c, const struct options *o, long number)
{
	struct rusage usage;
	int status, reader;
	prepare(o->script);
	char **argv = expand(c->argv, number);
	int out = open_output(o->where, &reader);
	double begun = now_us();
	pid_t pid = start(argv, out);
	/* While we hold the writing end, the pipe has no end. */
	close(out);
	if (reader >= 0)
		c->bytes = drain(reader);
	if (wait4(pid, &status, 0, &usage) < 0)
		die("wait");
	double us = now_us() - begun;
	insist_on_success(argv[0], status);
	free_expanded(argv, c->argv);
	if (usage.ru_maxrss > c->rss)
		c->rss = usage.ru_maxrss;
	if (reader < 0)
		c->bytes = file_size(o->where);
	return us;
}

/* --- all commands, round by round --- */

static void run_rounds(struct command *commands, int count, const struct options *o)
{
	for (int i = 0; i < o->warm_up + o->rounds; i++)
		for (int c = 0; c < count; c++) {
			double us = time_run(&commands[c], o, i + 1);
			if (i >= o->warm_up)
				commands[c].us[i - o->warm_up] = us;
		}
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void print_rounds(struct command *commands, int count, int rounds)
{
	double base = 0;
	for (int i = 0; i < count; i++) {
		struct command *c = &commands[i];
		qsort(c->us, (size_t)rounds, sizeof *c->us, ascending);
		double median = c->us[rounds / 2];
		if (i == 0)
			base = median;
		printf("%.1f\t%.1f\t%.1f\t%.4f\t%ld\t%lld\t%s\n", median, c->us[rounds / 10], c->us[rounds * 9 / 10],
		       median / base, c->rss, c->bytes, c->argv[0]);
	}
}

/* --- many copies at once --- */

struct copy {
	pid_t pid;
	double began, ended; /* us */
};

static int same_pid(const void *a, const void *b)
{
	const struct copy *x = a, *y = b;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int first_to_end(const void *a, const void *b)
{
	const struct copy *x = a, *y = b;
	return (x->ended > y->ended) - (x->ended < y->ended);
}

/* Note those that have ended; with `flags` of 0, wait for all. Nothing is looked up
 * before the last has ended: it would delay what is measured. */
static int note_ends(struct copy *ends, int count, int flags, const char *name, const struct options *o)
{
	pid_t pid;
	int status;
	while (count < o->copies && (pid = waitpid(-1, &status, flags)) > 0) {
		ends[count++] = (struct copy){.pid = pid, .ended = now_us()};
		if (!o->may_be_killed || !WIFSIGNALED(status))
			insist_on_success(name, status);
	}
	return count;
}

/* One that ended while others were still being started has ended then. */
static void run_copies(struct copy *copies, struct copy *ends, char **argv, const struct options *o, int out)
{
	int ended = 0;
	for (int i = 0; i < o->copies; i++) {
		char **words = expand(argv, o->keys ? i % o->keys : i + 1);
		copies[i].began = now_us();
		copies[i].pid = start(words, out);
		free_expanded(words, argv);
		ended = note_ends(ends, ended, WNOHANG, argv[0], o);
	}
	note_ends(ends, ended, 0, argv[0], o);
}

static void match(struct copy *copies, const struct copy *ends, int count)
{
	qsort(copies, (size_t)count, sizeof *copies, same_pid);
	for (int i = 0; i < count; i++) {
		struct copy *c = bsearch(&ends[i], copies, (size_t)count, sizeof *copies, same_pid);
		c->ended = ends[i].ended;
	}
}

static void run_herd(char **argv, const struct options *o)
{
	bool null = strcmp(o->where, "null") == 0;
	int out = open(null ? "/dev/null" : o->where, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (out < 0)
		die(o->where);
	struct copy *copies = allocate((size_t)o->copies, sizeof *copies);
	struct copy *ends = allocate((size_t)o->copies, sizeof *ends);
	double begun = now_us();
	run_copies(copies, ends, argv, o, out);
	match(copies, ends, o->copies);
	qsort(copies, (size_t)o->copies, sizeof *copies, first_to_end);
	for (int i = 0; i < o->copies; i++)
		printf("%ld\t%.3f\t%.3f\n", (long)copies[i].pid, (copies[i].ended - begun) / 1e3,
		       (copies[i].ended - copies[i].began) / 1e3);
	free(ends);
	free(copies);
	close(out);
}

/* --- a command that leaves a mark --- */

static long parent_of(long pid)
{
	char path[64], text[512];
	long parent = 0;
	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%*d (%*[^)]) %*c %ld", &parent) != 1)
		parent = 0;
	if (fd >= 0)
		close(fd);
	return parent;
}

static void leave_mark(const char *file, char **argv)
{
	char text[96];
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	long parent = getppid();
	int size = snprintf(text, sizeof text, "%ld %ld %.3f\n", parent, parent_of(parent),
	                    (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6);
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, (size_t)size) != size)
		die(file);
	execvp(argv[0], argv);
	die(argv[0]);
}

/* --- words --- */

/* Cuts argv at every "---". */
static int split_commands(struct command **out, char **words, int rounds)
{
	int count = 0;
	size_t most = 1;
	for (char **w = words; *w; w++)
		most += strcmp(*w, "---") == 0;
	*out = allocate(most, sizeof **out);
	while (*words) {
		struct command *c = &(*out)[count++];
		c->argv = words;
		c->us = allocate((size_t)rounds, sizeof *c->us);
		while (*words && strcmp(*words, "---") != 0)
			words++;
		if (words == c->argv)
			usage();
		if (*words)
			*words++ = NULL;
	}
	return count;
}

static void parse(struct options *o, int argc, char **argv)
{
	int c;
	*o = (struct options){.rounds = 100, .warm_up = 2, .where = "null"};
	while ((c = getopt(argc, argv, "+n:w:c:k:xm:o:p:")) != -1)
		switch (c) {
		case 'n':
			o->rounds = atoi(optarg);
			break;
		case 'w':
			o->warm_up = atoi(optarg);
			break;
		case 'c':
			o->copies = atoi(optarg);
			break;
		case 'k':
			o->keys = atoi(optarg);
			break;
		case 'x':
			o->may_be_killed = true;
			break;
		case 'm':
			o->mark = optarg;
			break;
		case 'o':
			o->where = optarg;
			break;
		case 'p':
			o->script = optarg;
			break;
		default:
			usage();
		}
	if (!argv[optind] || o->rounds < 1 || o->warm_up < 0 || o->copies < 0 || o->keys < 0)
		usage();
}

int main(int argc, char **argv)
{
	struct options o;
	struct command *commands;
	parse(&o, argc, argv);
	if (o.mark)
		leave_mark(o.mark, argv + optind);
	if (o.copies) {
		run_herd(argv + optind, &o);
		return 0;
	}
	int count = split_commands(&commands, argv + optind, o.rounds);
	run_rounds(commands, count, &o);
	print_rounds(commands, count, o.rounds);
	for (int i = 0; i < count; i++)
		free(commands[i].us);
	free(commands);
	return 0;
}
