/* watch [-s SHIM] OUT COMMAND...: make a log, run COMMAND, end as it ends, and write
 * to OUT what the log has. An argument LOG becomes the log's path; the watcher's is in
 * the variable WATCHER. One program counts as executed already.
 *
 *   KIND ERROR DETAIL PATH      each record, the error by its name, the detail in hex
 *   execs N hellos N lost N notes N
 *
 * -s: strict, with SHIM in LD_PRELOAD. Returns when nothing is left of the run, the
 * supervisor included. */
#include "shim/wire.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const kinds[] = {"unfinished", "hello",  "exec",     "exec-failed", "library",    "open",
                                    "stat",       "access", "list",     "readlink",    "realpath",   "make",
                                    "remove",     "change", "variable", "environment", "uncacheable"};

static struct wire_head *new_log(char path[64], const char *shim)
{
	int fd = memfd_create("log", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, WIRE_SIZE) < 0)
		return NULL;
	struct wire_head *head = mmap(NULL, WIRE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (head == MAP_FAILED)
		return NULL;
	snprintf(path, 64, "/proc/%d/fd/%d", getpid(), fd);
	head->magic = WIRE_MAGIC;
	head->execs = 1;
	snprintf(head->watcher, sizeof head->watcher, "%s", getenv("WATCHER"));
	if (shim) {
		head->strict = 1;
		snprintf(head->shim, sizeof head->shim, "%s", shim);
	}
	return head;
}

static void print_records(FILE *out, struct wire_head *head)
{
	const char *end = (char *)head + WIRE_HEAD + (head->used < WIRE_RECORDS ? head->used : WIRE_RECORDS);
	for (const char *at = (char *)head + WIRE_HEAD; at < end;) {
		const struct wire_record *r = (const void *)at;
		fprintf(out, "%s %s %x %s\n", kinds[r->size ? r->kind : 0],
		        r->error ? strerrorname_np(r->error) : "0", r->detail, r->path);
		if (!r->size)
			break;
		at += r->size;
	}
	fprintf(out, "execs %lu hellos %lu lost %lu notes %u\n", head->execs, head->hellos, head->lost,
	        head->notes);
}

static void die_of(int status)
{
	if (WIFEXITED(status))
		exit(WEXITSTATUS(status));
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
}

static pid_t start(const char *log, const char *shim, char **argv)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	for (char **arg = argv; *arg; arg++)
		if (strcmp(*arg, "LOG") == 0)
			*arg = (char *)log;
	setenv(WIRE_VARIABLE, log, 1);
	if (shim)
		setenv("LD_PRELOAD", shim, 1);
	execvp(argv[0], argv);
	_exit(125);
}

int main(int argc, char **argv)
{
	char log[64];
	const char *shim = NULL;
	int status, of_command = 0;
	if (argc > 2 && strcmp(argv[1], "-s") == 0) {
		shim = argv[2];
		argv += 2;
		argc -= 2;
	}
	struct wire_head *head = argc < 3 || !getenv("WATCHER") ? NULL : new_log(log, shim);
	FILE *out = head ? fopen(argv[1], "we") : NULL;
	if (!out)
		return 125;
	/* The supervisor, and whoever else is left, comes to us. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t command = start(log, shim, argv + 2);
	for (pid_t pid; (pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR;)
		if (pid == command)
			of_command = status;
	print_records(out, head);
	fclose(out);
	die_of(of_command);
}
