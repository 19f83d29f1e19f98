/* spawn: what it costs to start a command and see it end.
 *
 *   spawn [-n ROUNDS] [-w ROUNDS] [-o WHERE] [-p SCRIPT] COMMAND... [--- COMMAND...]...
 *   spawn -c COPIES [-o FILE] COMMAND...
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
 * for each, in the order in which they ended: pid and milliseconds since the
 * first start. With -o FILE all append their stdout to FILE.
 *
 * %n in a word stands for the number of the round (of the copy): no two runs of
 * a command, timed or not, are given the same. stdin is /dev/null.
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
	int rounds, warm_up, copies;
	const char *where;
	const char *script;
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
	                "       spawn -c COPIES [-o FILE] COMMAND...\n");
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

static void run_herd(char **argv, const struct options *o)
{
	bool null = strcmp(o->where, "null") == 0;
	int out = open(null ? "/dev/null" : o->where, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (out < 0)
		die(o->where);
	pid_t *pids = allocate((size_t)o->copies, sizeof *pids);
	double *ms = allocate((size_t)o->copies, sizeof *ms);
	double begun = now_us();
	for (int i = 0; i < o->copies; i++) {
		char **words = expand(argv, i + 1);
		start(words, out);
		free_expanded(words, argv);
	}
	for (int i = 0; i < o->copies; i++) {
		int status;
		pids[i] = wait(&status);
		ms[i] = (now_us() - begun) / 1e3;
		insist_on_success(argv[0], status);
	}
	for (int i = 0; i < o->copies; i++)
		printf("%ld\t%.3f\n", (long)pids[i], ms[i]);
	free(pids);
	free(ms);
	close(out);
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
	while ((c = getopt(argc, argv, "+n:w:c:o:p:")) != -1)
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
		case 'o':
			o->where = optarg;
			break;
		case 'p':
			o->script = optarg;
			break;
		default:
			usage();
		}
	if (!argv[optind] || o->rounds < 1 || o->warm_up < 0 || o->copies < 0)
		usage();
}

int main(int argc, char **argv)
{
	struct options o;
	struct command *commands;
	parse(&o, argc, argv);
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
