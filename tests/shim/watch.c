/* watch [-l LOG] [-m MUSL-SHIM] [-w WATCHER] SHIM COMMAND...: run the command traced, as
 * `dpcache run --trace` does, and write what came into the log to LOG or stderr: a line
 * for each record, "kind detail errno path", and one on whether all programs greeted.
 * Ends as the command does. */
#include "shim/wire.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const kinds[] = {
    [WIRE_HELLO] = "hello",
    [WIRE_EXEC] = "exec",
    [WIRE_EXEC_FAILED] = "exec-failed",
    [WIRE_LIBRARY] = "library",
    [WIRE_OPEN] = "open",
    [WIRE_STAT] = "stat",
    [WIRE_ACCESS] = "access",
    [WIRE_LIST] = "list",
    [WIRE_READLINK] = "readlink",
    [WIRE_REALPATH] = "realpath",
    [WIRE_MAKE] = "make",
    [WIRE_REMOVE] = "remove",
    [WIRE_CHANGE] = "change",
    [WIRE_VARIABLE_READ] = "variable",
    [WIRE_ENVIRONMENT] = "environment",
    [WIRE_UNCACHEABLE] = "uncacheable",
};

static struct wire_head *make_log(int *fd)
{
	*fd = memfd_create("log", MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, WIRE_SIZE) < 0)
		exit(125);
	struct wire_head *head = mmap(NULL, WIRE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (head == MAP_FAILED)
		exit(125);
	head->magic = WIRE_MAGIC;
	head->began = (int64_t)time(NULL) * 1000000000;
	return head;
}

static void prepare(const char *shim, int fd)
{
	char text[2 * WIRE_PATH_MAX];
	const char *own = getenv("LD_PRELOAD");
	snprintf(text, sizeof text, "%s%s%s", shim, own ? ":" : "", own ? own : "");
	setenv("LD_PRELOAD", text, 1);
	snprintf(text, sizeof text, "/proc/%d/fd/%d", getpid(), fd);
	setenv(WIRE_VARIABLE, text, 1);
}

static int run(char **command)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 125;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void print_path(FILE *out, const char *path)
{
	for (; *path; path++)
		if (*path == '\n')
			fputs("\\n", out);
		else
			putc(*path, out);
}

static void print_record(FILE *out, const struct wire_record *r)
{
	const char *kind = r->kind < sizeof kinds / sizeof *kinds ? kinds[r->kind] : NULL;
	fprintf(out, "%s %u %d ", kind ? kind : "?", r->detail, r->error);
	print_path(out, r->path);
	putc('\n', out);
}

static void print_log(FILE *out, const struct wire_head *head)
{
	uint64_t end = head->used < WIRE_RECORDS ? head->used : WIRE_RECORDS;
	for (uint64_t at = 0; at < end;) {
		const struct wire_record *r = (const void *)((const char *)head + WIRE_HEAD + at);
		if (!r->size) {
			fputs("unfinished\n", out);
			break;
		}
		print_record(out, r);
		at += r->size;
	}
	fprintf(out, "notes %u\nlost %lu\n%s %lu %lu\n", head->notes, head->lost,
	        head->execs == head->hellos ? "balanced" : "unbalanced", head->execs, head->hellos);
}

int main(int argc, char **argv)
{
	int option, fd;
	FILE *out = stderr;
	struct wire_head *head = make_log(&fd);
	while ((option = getopt(argc, argv, "+l:m:w:")) > 0) {
		if (option == 'l')
			out = fopen(optarg, "we");
		else
			strncpy(option == 'm' ? head->shim_musl : head->watcher, optarg, WIRE_PROGRAM_MAX - 1);
	}
	if (optind + 1 >= argc || !out)
		return 125;
	strncpy(head->shim, argv[optind], WIRE_PROGRAM_MAX - 1);
	/* The first program is ours to count. */
	head->execs = 1;
	prepare(argv[optind], fd);
	int status = run(argv + optind + 1);
	print_log(out, head);
	return status;
}
