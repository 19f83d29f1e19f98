#include "trace.h"

#include "clock.h"
#include "jobserver.h"
#include "os.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

bool trace_directory(char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);
	if (n <= 0)
		return false;
	out[n] = '\0';
	char *slash = strrchr(out, '/');
	if (slash)
		*slash = '\0';
	return slash;
}

/* File systems stamp changes with a clock that moves in ticks. Only when it has
 * passed a time is a stamp after that time a change after it. */
static bool has_passed(struct timespec stamp, int64_t time)
{
	/* A clock that is set back meanwhile must not keep us. */
	return clock_ns(stamp) > time || clock_ns(stamp) < time - 1000000000;
}

/* Where the kernel gives a finer stamp to what changes again once it was looked at (Linux
 * 6.13), no later stamp of any file is earlier than that one: so a file of our own moves
 * the clock on at once. The first change may only catch up with the last tick. */
static bool push_clock(int fd, int64_t time)
{
	enum { CHANGES = 3 };
	struct stat st;
	for (int i = 0; i < CHANGES; i++)
		if (fchmod(fd, S_IRUSR | S_IWUSR) == 0 && fstat(fd, &st) == 0 && has_passed(st.st_ctim, time))
			return true;
	return false;
}

static void await_tick(int64_t time)
{
	struct timespec coarse, pause = {.tv_nsec = 100000};
	while (clock_gettime(CLOCK_REALTIME_COARSE, &coarse) == 0 && !has_passed(coarse, time))
		nanosleep(&pause, NULL);
}

/* Until whatever changes from now on gets a stamp after `time`. `fd`: a file of ours. */
static void let_clock_pass(int fd, int64_t time)
{
	if (!push_clock(fd, time))
		await_tick(time);
}

static void name_program(char out[WIRE_PROGRAM_MAX], const char *directory, const char *name)
{
	int n = snprintf(out, WIRE_PROGRAM_MAX, "%s/%s", directory, name);
	if (n < 0 || n >= WIRE_PROGRAM_MAX || access(out, R_OK) < 0)
		out[0] = '\0';
}

static int make_log(struct trace *t, dpc_error *err)
{
	t->fd = os_raise_fd(memfd_create("dpcache-trace", MFD_CLOEXEC));
	if (t->fd < 0 || ftruncate(t->fd, WIRE_SIZE) < 0)
		return dpc__fail_errno(err, "cannot trace");
	void *at = mmap(NULL, WIRE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	if (at == MAP_FAILED)
		return dpc__fail_errno(err, "cannot trace");
	t->head = at;
	snprintf(t->log, sizeof t->log, "/proc/%ld/fd/%d", (long)getpid(), t->fd);
	return DPC_OK;
}

/* Descriptors that our caller left for the command to read: nobody sees them being
 * opened. What is open for writing, too, is as a rule somebody's log or scratch file
 * that was forgotten there. */
static void note_inherited(struct trace *t, const char *number)
{
	char path[PATH_MAX], link[64];
	struct stat st;
	int fd = atoi(number);
	if (fd <= 2 || fcntl(fd, F_GETFD) & FD_CLOEXEC || fstat(fd, &st) < 0 ||
	    (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
		return;
	if (S_ISFIFO(st.st_mode))
		t->pipe = t->pipe ? t->pipe : jobserver_has(fd) ? 0 : fd;
	if (!S_ISREG(st.st_mode))
		return;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 0)
		return;
	path[n] = '\0';
	buf_put(&t->inherited, path, (size_t)n + 1);
}

static void note_all_inherited(struct trace *t)
{
	struct dirent *e;
	DIR *dir = opendir("/proc/self/fd");
	while (dir && (e = readdir(dir)))
		note_inherited(t, e->d_name);
	if (dir)
		closedir(dir);
}

int trace_begin(struct trace *t, const char *directory, bool strict, bool makes_files, dpc_error *err)
{
	*t = TRACE_NONE;
	t->began = clock_wall_ns();
	int rc = make_log(t, err);
	if (rc != DPC_OK)
		return rc;
	name_program(t->head->shim, directory, "dpcache-shim.so");
	name_program(t->head->shim_musl, directory, "dpcache-shim-musl.so");
	name_program(t->head->watcher, directory, "dpcache-watcher");
	if (!*t->head->shim)
		return dpc__fail(err, DPC_E_NOTFOUND, "cannot trace: %s/dpcache-shim.so is missing", directory);
	t->head->strict = strict;
	t->head->began = t->began;
	/* The command itself is executed by us, who write no log. */
	t->head->execs = 1;
	t->head->magic = WIRE_MAGIC;
	note_all_inherited(t);
	if (makes_files)
		vigil_begin(&t->vigil);
	let_clock_pass(t->fd, t->began);
	return t->inherited.failed ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : DPC_OK;
}

void trace_release(struct trace *t)
{
	/* The log stays mapped to the end of the process, which is near: to unmap it would wait
	 * for the other processors, for milliseconds where they are somebody else's. */
	if (t->fd >= 0)
		close(t->fd);
	buf_release(&t->inherited);
	vigil_release(&t->vigil);
	free(t->room);
	free(t->more_room);
	*t = TRACE_NONE;
}

uint32_t trace_notes(const struct trace *t)
{
	return t->head ? t->head->notes : 0;
}
