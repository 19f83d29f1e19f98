#include "become.h"

#include "engine.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char CORE[] = "dpcache-core", SHARED_CORE[] = "dpcache-core-shared";

static void exec_at(const char *directory, size_t size, const char *below, const char *name, char *const *argv)
{
	char path[PATH_MAX];
	if (size + strlen(below) + strlen(name) + 1 > sizeof path)
		return;
	memcpy(path, directory, size);
	strcpy(stpcpy(path + size, below), name);
	execv(path, argv);
}

/* It lies beside us in the build tree, in libexec when installed. */
static void exec_ours(const char *name, char *const *argv)
{
	char link[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", link, sizeof link - 1);
	link[n > 0 ? n : 0] = '\0';
	/* Without /proc, in a bare chroot, the path that we were started by has to do. */
	const char *self = n > 0 ? link : (const char *)getauxval(AT_EXECFN); // NOLINT(performance-no-int-to-ptr)
	const char *slash = self ? strrchr(self, '/') : NULL;
	if (slash) {
		size_t size = (size_t)(slash + 1 - self);
		exec_at(self, size, "../libexec/dpcache/", name, argv);
		exec_at(self, size, "", name, argv);
	}
}

/* An engine that has to be loaded. */
static bool names_loadable(const char *word)
{
	static const char option[] = "--store=";
	if (strncmp(word, option, sizeof option - 1) == 0)
		word += sizeof option - 1;
	return engine_is_loaded_for(word);
}

/* What is an option and what the command's own word is not looked at: a false alarm
 * only costs time. */
static bool wants_shared(char *const *argv)
{
	const char *store = getenv("DPCACHE_STORE");
	bool wanted = store && names_loadable(store);
	/* It lists all there are. */
	wanted |= argv[0] && argv[1] && strcmp(argv[1], "doctor") == 0;
	for (; *argv && !wanted; argv++)
		wanted = names_loadable(*argv);
	return wanted;
}

void become_shared(char *const *argv)
{
	if (wants_shared(argv))
		exec_ours(SHARED_CORE, argv);
}

int become_core(char *const *argv)
{
	become_shared(argv);
	exec_ours(CORE, argv);
	execvp(CORE, argv);
	report_error("cannot start %s: %s", CORE, strerror(errno));
	return 125;
}

/* What came for the caller's process group, or from its terminal, before the new
 * process had left them: it was not meant. */
static void forget_signals(void)
{
	static const int meant_for_others[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
	for (size_t i = 0; i < sizeof meant_for_others / sizeof *meant_for_others; i++) {
		struct sigaction before, ignore = {.sa_handler = SIG_IGN};
		/* What is pending is gone with this. */
		sigaction(meant_for_others[i], &ignore, &before);
		sigaction(meant_for_others[i], &before, NULL);
	}
}

static struct {
	int (*function)(void *);
	void *context;
	sigset_t mask;
} another;

static int begin_another(void *unused)
{
	(void)unused;
	setsid();
	forget_signals();
	sigprocmask(SIG_SETMASK, &another.mask, NULL);
	return another.function(another.context);
}

/* As much as any process has: inputs may have to be read there again, however deep
 * they lie. Only what is touched costs anything. NULL: there can be none. */
static unsigned char *stack_top(void)
{
	enum { STACK = 8 << 20, GUARD = 65536 };
	unsigned char *stack = mmap(NULL, STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED || mprotect(stack + GUARD, STACK - GUARD, PROT_READ | PROT_WRITE) < 0)
		return NULL;
	return stack + STACK;
}

void become_another(int status, int (*function)(void *), void *context)
{
	unsigned char *stack = stack_top();
	sigset_t all;
	another.function = function;
	another.context = context;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &another.mask);
	/* From here on this process touches no memory that the other may use. */
	if (stack)
		clone(begin_another, stack, CLONE_VM, NULL);
	_exit(status);
}

static void close_between(int first, int last)
{
	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
	for (int fd = first; fd <= last && fd < 4096; fd++)
		close(fd);
}

static void close_but(const int keep[2])
{
	int low = keep[0] < keep[1] ? keep[0] : keep[1], high = keep[0] < keep[1] ? keep[1] : keep[0];
	int from = 3;
	if (low >= from) {
		close_between(from, low - 1);
		from = low + 1;
	}
	if (high >= from) {
		close_between(from, high - 1);
		from = high + 1;
	}
	close_between(from, INT_MAX);
}

/* The same file with an offset of its own: the parent's may move. */
static void reopen_input(long long at)
{
	int fd = open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	lseek(fd, at, SEEK_SET);
	dup2(fd, 0);
	close(fd);
}

void become_detached(bool keep_input, long long input_at, const int keep[2])
{
	if (keep_input)
		reopen_input(input_at);
	for (int fd = keep_input ? 1 : 0; fd <= 2; fd++)
		close(fd);
	if (!keep_input)
		open("/dev/null", O_RDONLY);
	/* One each: whether two streams are one matters to the key. */
	open("/dev/null", O_WRONLY);
	open("/dev/null", O_WRONLY);
	close_but(keep);
	/* Who waits for the end of the streams has just been woken, on our processor:
	 * the answer is his, and we have time. */
	sched_yield();
}

void become_open(int fd)
{
	if (fd > 2 && fcntl(fd, F_GETFD) < 0)
		dup2(1, fd);
}
