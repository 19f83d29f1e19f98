#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void place(int from, int to)
{
	if (from >= 0 && from != to)
		dup2(from, to);
}

/* A file that is executable but no program is a shell script, as execvp and
 * every shell have it. `scratch` has room for the argument vector and two
 * more. */
static void exec_as_script(const struct spawn *s, char **scratch)
{
	scratch[0] = (char *)"sh";
	scratch[1] = (char *)s->exe;
	size_t n = 1;
	for (; s->argv[0] && s->argv[n]; n++)
		scratch[n + 1] = s->argv[n];
	scratch[n + 1] = NULL;
	execve("/bin/sh", scratch, s->envp);
}

static void place_input(int from)
{
	if (from != SPAWN_NO_INPUT) {
		place(from, 0);
		return;
	}
	int ends[2];
	close(0);
	/* In a bare chroot a pipe that nobody writes to does as well. */
	if (open("/dev/null", O_RDONLY) < 0 && pipe(ends) == 0)
		close(ends[1]);
}

static int exec_now(const struct spawn *s, char **scratch)
{
	place_input(s->in);
	place(s->out, 1);
	place(s->err, 2);
	os_return_write_signals(s->signals);
	execve(s->exe, s->argv, s->envp);
	if (errno == ENOEXEC)
		exec_as_script(s, scratch);
	return errno;
}

static char **script_space(const struct spawn *s)
{
	size_t n = 0;
	while (s->argv[n])
		n++;
	return calloc(n + 3, sizeof(char *));
}

/* In the vfork child a handler would run on our memory: back to the default,
 * which is what exec does to handlers anyway. */
static void drop_handlers(void)
{
	static const int handled[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	struct sigaction was;
	for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
		if (sigaction(handled[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN)
			signal(handled[i], SIG_DFL);
}

int spawn_command(pid_t *pid, int *exec_errno, const struct spawn *s, const struct spawn_signals *before)
{
	volatile int failure = 0;
	pid_t parent = getpid();
	char **scratch = script_space(s);
	if (!scratch)
		return -1;
	/* vfork: the child borrows our memory until it execs, so that its cost
	 * does not grow with ours; it only makes system calls and writes
	 * `failure` and `scratch`. */
	sigset_t all, ours;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &ours);
	pid_t child = vfork();
	if (child == 0) {
		drop_handlers();
		signal(SIGCHLD, before->child);
		sigprocmask(SIG_SETMASK, &before->mask, NULL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Had we died before prctl, the signal would never come. */
		if (getppid() != parent)
			_exit(127);
		failure = exec_now(s, scratch);
		_exit(127);
	}
	int saved = errno;
	sigprocmask(SIG_SETMASK, &ours, NULL);
	free(scratch);
	if (child < 0) {
		errno = saved;
		return -1;
	}
	*exec_errno = failure;
	*pid = child;
	if (failure)
		waitpid(child, NULL, 0);
	return 0;
}

int spawn_become(const struct spawn *s)
{
	char **scratch = script_space(s);
	if (!scratch)
		return ENOMEM;
	int rc = exec_now(s, scratch);
	free(scratch);
	return rc;
}
