#include "keeper.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What goes to the keeper is a byte: a signal's number, or this. Less than a byte,
 * the end of file, is our death. */
enum { GOODBYE = 0 };

/* Where the keeper has what it needs; it has nothing else open. */
enum { CONTROL = 0, LOCK = 1 };

/* --- the keeper: what is below it --- */

/* Is it a child of ours? Asked before each kill, for the list could be of
 * another namespace's numbers. A child's number is not given away before it has
 * been waited for. */
static bool is_child(pid_t pid)
{
	siginfo_t info;
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static bool kill_child(pid_t pid)
{
	return pid > 0 && is_child(pid) && kill(pid, SIGKILL) == 0;
}

/* Kill the direct children. True when there was one that will die of it. */
static bool kill_children(void)
{
	char chunk[512];
	ssize_t n;
	bool killed = false;
	pid_t pid = 0;
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (isdigit((unsigned char)chunk[i])) {
				pid = pid * 10 + (chunk[i] - '0');
			} else {
				killed |= kill_child(pid);
				pid = 0;
			}
		}
	close(fd);
	return killed;
}

/* Kill whatever is below us, and return when nothing is. Children of the killed
 * become ours, so that the next round finds them. */
static void kill_tree(pid_t command)
{
	if (command)
		kill(command, SIGKILL);
	for (;;) {
		/* Without one that is sure to die, one that comes now would not wake us. */
		bool dying = kill_children();
		pid_t gone = waitpid(-1, NULL, dying ? 0 : WNOHANG);
		if (gone < 0)
			return;
		if (gone == 0)
			poll(NULL, 0, 10);
	}
}

/* --- the keeper: at work --- */

static void report(int control, const struct ending *e)
{
	/* Whoever cannot be told is dead, and that is seen elsewhere. */
	(void)!send(control, e, sizeof *e, MSG_NOSIGNAL);
}

static void reap(pid_t *command)
{
	struct ending e = {0};
	pid_t pid;
	while ((pid = waitpid(-1, &e.status, WNOHANG)) > 0)
		if (pid == *command) {
			*command = 0;
			report(CONTROL, &e);
		}
}

static void take_orders(pid_t command)
{
	unsigned char order[64];
	ssize_t n = read(CONTROL, order, sizeof order);
	if (n <= 0) {
		kill_tree(command);
		_exit(0);
	}
	for (ssize_t i = 0; i < n; i++) {
		if (order[i] == GOODBYE)
			_exit(0);
		if (command)
			kill(command, order[i]);
	}
}

static void wake(int number)
{
	(void)number;
}

/* Let SIGCHLD interrupt us, but only while we wait. */
static void hear_of_children(sigset_t *waiting)
{
	struct sigaction heard = {.sa_handler = wake, .sa_flags = SA_NOCLDSTOP};
	sigaction(SIGCHLD, &heard, NULL);
	sigfillset(waiting);
	sigdelset(waiting, SIGCHLD);
}

/* A reader of what the command writes must see its end, and a writer that nobody
 * reads: nothing of the user's may stay open here. */
static void keep_open(int control, int lock)
{
	/* Both are above the standard descriptors. */
	dup2(control, CONTROL);
	if (lock >= 0)
		dup2(lock, LOCK);
	closefrom(lock >= 0 ? LOCK + 1 : LOCK);
}

/* All signals are blocked. Those of the terminal are for the command and for
 * dpcache, which passes on what the command has not had. */
static _Noreturn void keep(int control, int lock, const struct spawn *s, const struct spawn_signals *before)
{
	struct ending e = {0};
	pid_t command = 0;
	sigset_t waiting;
	prctl(PR_SET_NAME, "dpcache-keeper");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* Should we be stopped when dpcache dies. */
	prctl(PR_SET_PDEATHSIG, SIGCONT);
	if (spawn_command(&command, &e.exec_errno, s, before) < 0)
		e.start_errno = errno;
	if (e.start_errno || e.exec_errno) {
		report(control, &e);
		_exit(0);
	}
	/* Out of reach of what kills the command's process group. A session of its own,
	 * not just a group: as a parent in another group of the same session it would be
	 * what keeps the command's group from being orphaned, and the command's end would
	 * have the kernel send SIGHUP to all of a group in which somebody is stopped. */
	setsid();
	keep_open(control, lock);
	hear_of_children(&waiting);
	for (;;) {
		struct pollfd p = {.fd = CONTROL, .events = POLLIN};
		reap(&command);
		if (ppoll(&p, 1, NULL, &waiting) > 0)
			take_orders(command);
	}
}

/* --- dpcache --- */

static int open_control(int ends[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	ends[0] = os_raise_fd(ends[0]);
	ends[1] = os_raise_fd(ends[1]);
	if (ends[0] >= 0 && ends[1] >= 0)
		return 0;
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	return -1;
}

/* Fork the keeper. false: there can be none. */
static bool fork_keeper(struct keeper *k, const struct spawn *s, int lock, const struct spawn_signals *before)
{
	int ends[2];
	if (open_control(ends) < 0)
		return false;
	k->pid = fork();
	if (k->pid == 0)
		keep(ends[1], lock, s, before);
	close(ends[1]);
	k->control = k->ending = ends[0];
	if (k->pid > 0)
		return true;
	close(k->control);
	k->control = k->ending = -1;
	return false;
}

/* Our own child: it cannot tell by itself that it could not be executed. */
static int start_alone(struct keeper *k, const struct spawn *s, const struct spawn_signals *before)
{
	if (spawn_command(&k->pid, &k->exec_errno, s, before) < 0)
		return -1;
	if (k->exec_errno)
		k->pid = 0;
	else
		k->ending = os_raise_fd((int)syscall(SYS_pidfd_open, k->pid, 0));
	return 0;
}

int keeper_start(struct keeper *k, const struct spawn *s, int lock)
{
	struct spawn_signals before;
	sigset_t all;
	int rc = 0;
	sigfillset(&all);
	*k = (struct keeper){.control = -1, .ending = -1};
	/* Ignored, it would have children vanish with their status. */
	k->child_signal = before.child = signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &all, &before.mask);
	if (!fork_keeper(k, s, lock, &before))
		rc = start_alone(k, s, &before);
	sigprocmask(SIG_SETMASK, &before.mask, NULL);
	return rc;
}

static void order(const struct keeper *k, unsigned char what)
{
	(void)!send(k->control, &what, 1, MSG_NOSIGNAL);
}

void keeper_signal(const struct keeper *k, int number)
{
	if (k->control >= 0)
		order(k, (unsigned char)number);
	else if (k->pid > 0)
		kill(k->pid, number);
}

static void await_alone(struct keeper *k, struct ending *e)
{
	e->exec_errno = k->exec_errno;
	while (k->pid > 0 && waitpid(k->pid, &e->status, 0) < 0 && errno == EINTR)
		;
	k->pid = 0;
}

void keeper_await(struct keeper *k, struct ending *e)
{
	*e = (struct ending){0};
	if (k->control < 0)
		await_alone(k, e);
	else if (os_read_full(k->control, e, sizeof *e) != sizeof *e)
		*e = (struct ending){.status = SIGKILL, .lost = true};
}

void keeper_dismiss(struct keeper *k)
{
	if (k->control >= 0)
		order(k, GOODBYE);
	if (k->ending >= 0)
		close(k->ending);
	k->control = k->ending = -1;
	signal(SIGCHLD, k->child_signal);
}

void keeper_reap(pid_t pid)
{
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
