#include "watcher/scene.h"

#include "clock.h"
#include "watcher/call.h"
#include "watcher/peek.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* STEP: most strings are shorter. */
enum { PAGE = 4096, STEP = 256 };

pid_t scene_process(pid_t tid)
{
	char path[64], text[512];
	/* This finds a thread only by the process that it belongs to. */
	if (syscall(SYS_tgkill, tid, tid, 0) == 0 || errno == EPERM)
		return tid;
	snprintf(path, sizeof path, "/proc/%d/status", tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	const char *group = strstr(text, "\nTgid:");
	return group ? (pid_t)strtol(group + strlen("\nTgid:"), NULL, 10) : tid;
}

/* By the vDSO, which pays for who asks as often: clock_mono_ns is a system call. */
int64_t scene_clock(void)
{
	struct timespec t = {0, 0};
	clock_gettime(CLOCK_MONOTONIC, &t);
	return clock_ns(t);
}

/* Is the caller still there? Its number may have been given away while we read; but not
 * at once: all others come first. To ask costs a tenth of a call. */
static bool is_waiting(const struct scene *s)
{
	enum { AT_ONCE = 100000 };
	if (scene_clock() - s->heard < AT_ONCE)
		return true;
	return ioctl(s->watch->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &s->id) == 0;
}

static ssize_t read_some(const struct scene *s, void *to, uint64_t address, size_t size)
{
	ssize_t n = peek(s->tid, to, address, size);
	if (n < 0 && errno == EPERM && is_waiting(s))
		scene_tell_reason(s, "could not be looked into");
	return n;
}

static bool read_string(const struct scene *s, char *to, size_t size, uint64_t address)
{
	size_t have = 0;
	while (have < size) {
		/* The next page may not be there, and need not. */
		size_t chunk = PAGE - (address + have) % PAGE;
		if (chunk > STEP)
			chunk = STEP;
		ssize_t n = read_some(s, to + have, address + have, chunk < size - have ? chunk : size - have);
		if (n <= 0)
			return false;
		if (memchr(to + have, '\0', (size_t)n))
			return true;
		have += (size_t)n;
	}
	return false;
}

bool scene_read(const struct scene *s, void *to, uint64_t address, size_t size)
{
	return read_some(s, to, address, size) == (ssize_t)size && is_waiting(s);
}

bool scene_read_string(const struct scene *s, char *to, size_t size, uint64_t address)
{
	return read_string(s, to, size, address) && is_waiting(s);
}

/* --- names --- */

/* Names that mean another file to each process, and where below its own directory in
 * /proc that is. */
static const struct {
	const char *path, *below;
} own_names[] = {
    {"/proc/self", ""},      {"/proc/thread-self", ""}, {"/dev/fd", "/fd"},
    {"/dev/stdin", "/fd/0"}, {"/dev/stdout", "/fd/1"},  {"/dev/stderr", "/fd/2"},
};

/* What follows a prefix that ends where a part of the path does, or NULL. */
static const char *behind(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(path, prefix, n) == 0 && (path[n] == '/' || path[n] == '\0') ? path + n : NULL;
}
/* What follows "/proc/123" of this process, or of one that has the same memory, or
 * NULL. */
static const char *behind_own_number(const char *path, pid_t pid)
{
	static const char proc[] = "/proc/";
	char *rest;
	if (strncmp(path, proc, sizeof proc - 1) != 0)
		return NULL;
	long number = strtol(path + sizeof proc - 1, &rest, 10);
	bool own = number > 0 && (number == pid || syscall(SYS_kcmp, pid, number, KCMP_VM, 0, 0) == 0);
	return own && (*rest == '/' || *rest == '\0') ? rest : NULL;
}

/* The same name in every run. */
static void rename_own(struct name *n, pid_t pid)
{
	static const char self[] = "/proc/self";
	const char *rest = behind_own_number(n->path, pid);
	if (!rest)
		return;
	memmove(n->path + sizeof self - 1, rest, strlen(rest) + 1);
	memcpy(n->path, self, sizeof self - 1);
}

void name_locate(struct name *n, pid_t pid, pid_t tid)
{
	memcpy(n->here, n->path, strlen(n->path) + 1);
	if (n->path[1] != 'p' && n->path[1] != 'd')
		return;
	for (size_t i = 0; i < sizeof own_names / sizeof *own_names; i++) {
		const char *rest = behind(n->path, own_names[i].path);
		if (rest)
			snprintf(n->here, sizeof n->here, "/proc/%d%s%s", strstr(own_names[i].path, "thread") ? tid : pid,
			         own_names[i].below, rest);
	}
	rename_own(n, pid);
}

static bool read_descriptor(const struct scene *s, struct name *n, int fd)
{
	char link[64];
	if (fd == AT_FDCWD)
		snprintf(link, sizeof link, "/proc/%d/cwd", s->tid);
	else
		snprintf(link, sizeof link, "/proc/%d/fd/%d", s->tid, fd);
	ssize_t size = readlink(link, n->path, sizeof n->path - 1);
	if (size < 0 && (errno != ENOENT || fd == AT_FDCWD) && is_waiting(s))
		scene_tell_reason(s, "could not be looked into");
	/* A pipe or socket is named "pipe:[12]". */
	if (size <= 0 || n->path[0] != '/')
		return false;
	n->path[size] = '\0';
	snprintf(n->here, sizeof n->here, "%s", link);
	rename_own(n, s->pid);
	return true;
}

bool scene_descriptor(const struct scene *s, struct name *n, int fd)
{
	return read_descriptor(s, n, fd) && is_waiting(s);
}

bool name_is_removed(const struct name *n)
{
	static const char mark[] = " (deleted)";
	size_t size = strlen(n->path);
	return size >= sizeof mark && strcmp(n->path + size - (sizeof mark - 1), mark) == 0;
}

/* Put the directory in front of a relative path. */
static bool make_absolute(const struct scene *s, struct name *n, int fd)
{
	struct name base;
	size_t size = strlen(n->path);
	if (!read_descriptor(s, &base, fd))
		return false;
	if (name_is_removed(&base)) {
		scene_tell_reason(s, "worked in a directory that has no name");
		return false;
	}
	size_t before = strcmp(base.path, "/") == 0 ? 0 : strlen(base.path);
	if (before + 1 + size >= sizeof n->path) {
		scene_tell_reason(s, "used a path that is too long");
		return false;
	}
	memmove(n->path + before + 1, n->path, size + 1);
	memcpy(n->path, base.path, before);
	n->path[before] = '/';
	return true;
}

bool scene_complete(const struct scene *s, struct name *n, int fd)
{
	if (n->path[0] != '/' && !make_absolute(s, n, fd))
		return false;
	name_locate(n, s->pid, s->tid);
	return is_waiting(s);
}

bool scene_name(const struct scene *s, struct name *n, int at, int path, bool empty_is_fd)
{
	int fd = at == CALL_CWD ? AT_FDCWD : (int)s->args[at];
	if (!read_string(s, n->path, sizeof n->path, s->args[path]))
		return false;
	if (n->path[0] == '\0')
		return empty_is_fd && scene_descriptor(s, n, fd);
	return scene_complete(s, n, fd);
}

/* --- telling --- */

void scene_tell(const struct scene *s, enum wire_kind kind, int error, uint32_t detail, const struct name *n)
{
	journal_tell(&s->watch->journal, s->pid, kind, error, detail, n->path);
}

void scene_tell_reason(const struct scene *s, const char *why)
{
	journal_tell_reason(&s->watch->journal, s->pid, why);
}
