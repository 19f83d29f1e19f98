/* dpcache-watcher LOG PATH ARGV...: become PATH with these arguments, the first its
 * name, and have a supervisor write into the trace's log what it does. Where that
 * cannot be, it runs unwatched: then the log's counts do not agree, and its result
 * is not kept. */
#include "watcher/attach.h"
#include "watcher/environment.h"
#include "watcher/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

enum { NOT_RUN = 126, NOT_FOUND = 127, USAGE = 125 };

/* The rights that come with it would be lost under no_new_privs. */
static bool has_rights(const char *path)
{
	struct program p;
	if (strlen(path) >= sizeof p.executable)
		return true;
	program_look(&p, path);
	return p.gains_rights;
}

static void be_watched(const struct journal *j, const char *path)
{
	const struct wire_head *head = j->head;
	enum attached a = has_rights(path) ? ATTACHED_NOT : attach(j);
	/* Who watches already does not know that we were counted. */
	if (a == ATTACHED_ALREADY)
		journal_tell_hello(j, getpid(), path);
	/* Strict: the shim watches, too, if it can. */
	if (!head->strict)
		environment_clean(environ, (const char *const[]){head->shim, head->shim_musl});
}

/* A file that is executable but no program is a shell script, as spawn.c has it. */
static void execute(const char *path, char **argv)
{
	execve(path, argv, environ);
	if (errno != ENOEXEC)
		return;
	/* Where the path stood there is room. */
	argv[0] = (char *)path;
	argv[-1] = (char *)"sh";
	execve("/bin/sh", argv - 1, environ);
}

int main(int argc, char **argv)
{
	struct journal j = {0};
	sigset_t all, before;
	if (argc < 4) {
		fputs("usage: dpcache-watcher LOG PATH ARGV...\n", stderr);
		return USAGE;
	}
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (journal_open(&j, argv[1]))
		be_watched(&j, argv[2]);
	else
		environment_clean(environ, (const char *const[]){"", ""});
	sigprocmask(SIG_SETMASK, &before, NULL);
	const char *path = argv[2];
	execute(path, argv + 3);
	int error = errno;
	fprintf(stderr, "dpcache: cannot execute %s: %s\n", path, strerror(error));
	return error == ENOENT ? NOT_FOUND : NOT_RUN;
}
