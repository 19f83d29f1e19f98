#include "watcher/attach.h"

#include "watcher/filter.h"
#include "watcher/supervise.h"

#include <errno.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the program and its supervisor tell each other, in memory that both have. A
 * word is 0 until it is said. */
struct talk {
	_Atomic uint32_t listener; /* by the program: one more than its number */
	_Atomic uint32_t parted;   /* by the supervisor: the descriptors are the program's alone */
};

enum { NO_LISTENER = INT32_MAX };

struct birth {
	const struct journal *journal;
	struct talk *talk;
	pid_t program, supervisor;
};

static void say(_Atomic uint32_t *word, uint32_t what)
{
	atomic_store(word, what);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* 0: who should have said it is dead. */
static uint32_t hear(_Atomic uint32_t *word, pid_t from)
{
	struct timespec second = {.tv_sec = 1};
	uint32_t what;
	while ((what = atomic_load(word)) == 0)
		if (syscall(SYS_futex, word, FUTEX_WAIT, 0, &second, NULL, 0) < 0 && errno == ETIMEDOUT &&
		    kill(from, 0) < 0 && errno == ESRCH)
			return 0;
	return what;
}

/* --- the supervisor --- */

/* A descriptor held here would keep a pipe from its end. NO_LISTENER is above them
 * all. */
static void let_go(unsigned listener)
{
	if (listener > 0)
		syscall(SYS_close_range, 0, listener - 1, CLOSE_RANGE_UNSHARE);
	syscall(SYS_close_range, listener + 1, UINT32_MAX, CLOSE_RANGE_UNSHARE);
}

/* Out of reach of the program's terminal and group. */
static void stand_by(const struct birth *b)
{
	setsid();
	prctl(PR_SET_NAME, "dpcache-watcher");
	uint32_t said = hear(&b->talk->listener, b->program);
	if (said == 0)
		return;
	let_go(said - 1);
	say(&b->talk->parted, 1);
	if (said - 1 == NO_LISTENER)
		return;
	/* A directory in use keeps its file system from being unmounted. */
	(void)!chdir("/");
	supervise(b->journal, (int)said - 1);
}

/* --- the program --- */

/* The supervisor shares our descriptors until it has the listener: to be sent it, it
 * would need a socket, and there may be room for one descriptor only. */
static int bear(void *context)
{
	struct birth *b = context;
	pid_t pid = (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_FILES | SIGCHLD), NULL, NULL, NULL, 0UL);
	if (pid == 0)
		stand_by(b);
	else
		b->supervisor = pid;
	/* That ends the process, be it the one or the other. */
	return 0;
}

/* Its parent is dead before we go on: the program must not find a child that it
 * has not made, nor hear of one. False: there is no supervisor. */
static bool bear_supervisor(struct birth *b)
{
	enum { STACK = 256 << 10 };
	static _Alignas(16) char stack[STACK];
	int status, reaper = 0;
	prctl(PR_GET_CHILD_SUBREAPER, &reaper);
	/* Else the orphan were ours again. */
	if (reaper)
		prctl(PR_SET_CHILD_SUBREAPER, 0);
	pid_t parent = clone(bear, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES, b);
	if (parent > 0)
		waitpid(parent, &status, __WALL);
	if (reaper)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	return b->supervisor > 0;
}

/* Once the filter is there, no watched call comes back without a supervisor. Who
 * still shares our descriptors when we execute takes our file locks along. */
static enum attached install(const struct birth *b)
{
	/* Where only ancestors may look into a process: at least into this one. */
	prctl(PR_SET_PTRACER, b->supervisor);
	int listener = filter_install(), error = errno;
	say(&b->talk->listener, (listener < 0 ? NO_LISTENER : (uint32_t)listener) + 1);
	hear(&b->talk->parted, b->supervisor);
	if (listener >= 0) {
		close(listener);
		return ATTACHED;
	}
	return error == EALREADY ? ATTACHED_ALREADY : ATTACHED_NOT;
}

/* Would a child of ours be the first of a process namespace? When that ends, nobody
 * can be born there any more. And without /proc nothing is found of a caller. */
static bool children_are_ours(void)
{
	char here[64], there[64];
	ssize_t a = readlink("/proc/self/ns/pid", here, sizeof here);
	ssize_t b = readlink("/proc/self/ns/pid_for_children", there, sizeof there);
	return a > 0 && a == b && memcmp(here, there, (size_t)a) == 0;
}

enum attached attach(const struct journal *j)
{
	struct birth b = {.journal = j, .program = getpid()};
	/* The first process of a namespace is everybody's parent in the end. */
	if (b.program == 1 || !children_are_ours() || !supervise_possible())
		return ATTACHED_NOT;
	b.talk = mmap(NULL, sizeof *b.talk, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b.talk == MAP_FAILED || !bear_supervisor(&b))
		return ATTACHED_NOT;
	return install(&b);
}
