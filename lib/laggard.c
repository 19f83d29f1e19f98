#include "laggard.h"

#include "clock.h"
#include "os.h"
#include "tail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long what has come may wait to be noticed, in ms: its reader is slow. */
enum { NAP = 50 };

struct copy {
	struct tail tail;
	uint64_t skip; /* bytes still to be left out */
	int to;
};

/* All that is there by now. 0, or an errno. */
static int copy_some(struct copy *c)
{
	uint8_t chunk[65536];
	enum stream stream;
	size_t size;
	while (tail_next(&c->tail, &stream, chunk, sizeof chunk, &size, NULL) == DPC_OK && size) {
		size_t skipped = c->skip < size ? (size_t)c->skip : size;
		c->skip -= skipped;
		if (os_write_all(c->to, chunk + skipped, size - skipped) < 0)
			return errno;
	}
	return 0;
}

static int copy_all(struct copy *c, int control)
{
	for (;;) {
		struct pollfd p = {.fd = control, .events = POLLIN};
		/* The order told first: what is recorded before it comes is copied after. */
		bool last = poll(&p, 1, NAP) > 0;
		int error = copy_some(c);
		if (error || last)
			return error;
	}
}

/* The file without its lock: a description of our own. */
static int reopen(int fd)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Nothing else may stay open here: not the lock, nor the ends of pipes that others
 * have to see closed. */
enum { CONTROL = 0, FILE_HERE = 3 };

static void keep_open(int file, int to, int control)
{
	close(to == 1 ? 2 : 1);
	/* All of these are above the standard descriptors. */
	dup2(control, CONTROL);
	dup2(file, FILE_HERE);
	closefrom(FILE_HERE + 1);
}

static _Noreturn void follow(pid_t parent, int file, enum stream stream, uint64_t passed, int to, int control)
{
	static const int meant_for_the_command[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	static struct copy c;
	for (size_t i = 0; i < sizeof meant_for_the_command / sizeof *meant_for_the_command; i++)
		signal(meant_for_the_command[i], SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	keep_open(file, to, control);
	c.skip = passed;
	c.to = to;
	tail_init(&c.tail, FILE_HERE, stream);
	_exit(copy_all(&c, CONTROL));
}

bool laggard_start(struct laggard *l, int fd, enum stream stream, uint64_t passed, int to)
{
	int ends[2], file = os_raise_fd(reopen(fd));
	pid_t parent = getpid();
	if (file < 0)
		return false;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		close(file);
		return false;
	}
	ends[0] = os_raise_fd(ends[0]);
	ends[1] = os_raise_fd(ends[1]);
	l->pid = ends[0] < 0 || ends[1] < 0 ? -1 : fork();
	if (l->pid == 0)
		follow(parent, file, stream, passed, to, ends[0]);
	close(file);
	close(ends[0]);
	l->control = ends[1];
	if (l->pid > 0)
		return true;
	close(ends[1]);
	*l = LAGGARD_NONE;
	return false;
}

/* Has it ended in time? */
static bool ends_within(pid_t pid, int *status, int64_t patience)
{
	static const struct timespec moment = {0, 5000000};
	int64_t until = clock_mono_ns() + patience;
	while (waitpid(pid, status, WNOHANG) == 0) {
		if (clock_mono_ns() >= until)
			return false;
		nanosleep(&moment, NULL);
	}
	return true;
}

int laggard_finish(struct laggard *l, int64_t patience)
{
	int status = 0;
	if (!l->pid)
		return 0;
	close(l->control);
	bool late = patience != DPC_FOREVER && !ends_within(l->pid, &status, patience);
	if (late)
		kill(l->pid, SIGKILL);
	if (late || patience == DPC_FOREVER)
		while (waitpid(l->pid, &status, 0) < 0 && errno == EINTR)
			;
	*l = LAGGARD_NONE;
	if (late)
		return 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}
