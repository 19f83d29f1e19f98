/* system(3). The C library's own starts the shell past us, and with an environment that
 * our variables were taken from. */
#include "find.h"
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* While any thread waits for a command, the process ignores these two. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned waiting;
static struct sigaction old_interrupt, old_quit;

/* A command that is being run, and the caller's signal mask. */
struct command {
	pid_t pid;
	sigset_t mask;
};

static void hold_signals(struct command *c)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t child;
	pthread_mutex_lock(&lock);
	if (waiting++ == 0) {
		sigaction(SIGINT, &ignore, &old_interrupt);
		sigaction(SIGQUIT, &ignore, &old_quit);
	}
	pthread_mutex_unlock(&lock);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &child, &c->mask);
}

static void release_signals(const struct command *c)
{
	pthread_mutex_lock(&lock);
	if (--waiting == 0) {
		sigaction(SIGINT, &old_interrupt, NULL);
		sigaction(SIGQUIT, &old_quit, NULL);
	}
	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, &c->mask, NULL);
}

static int start(struct command *c, const char *text)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)text, NULL};
	posix_spawnattr_t attributes;
	sigset_t defaults;
	sigemptyset(&defaults);
	if (old_interrupt.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGINT);
	if (old_quit.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGQUIT);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &c->mask);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	int error = posix_spawn(&c->pid, "/bin/sh", NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static int await(pid_t pid)
{
	int status;
	pid_t ended;
	do
		ended = waitpid(pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	return ended < 0 ? -1 : status;
}

/* The thread is cancelled while it waits. */
static void give_up(void *command)
{
	struct command *c = command;
	kill(c->pid, SIGKILL);
	await(c->pid);
	release_signals(c);
}

SHIM int system(const char *text)
{
	struct command c;
	int status;
	if (!log_on())
		return REAL(system)(text);
	if (!text)
		return system("exit 0") == 0;
	hold_signals(&c);
	int error = start(&c, text);
	if (error) {
		/* As if the shell had said that it cannot be executed. */
		status = 127 << 8;
	} else {
		pthread_cleanup_push(give_up, &c);
		status = await(c.pid);
		pthread_cleanup_pop(0);
	}
	int saved = error ? error : errno;
	release_signals(&c);
	errno = saved;
	return status;
}
