#include "watcher/scene.h"

#include "watcher/call.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096 };

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

/* Is the caller still there? Its number may have been given away while we read. */
static bool is_waiting(const struct scene *s)
{
	return ioctl(s->watch->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &s->id) == 0;
}

static ssize_t read_some(const struct scene *s, void *to, uint64_t address, size_t size)
{
	struct iovec here = {to, size};
	struct iovec there = {(void *)(uintptr_t)address, size}; // NOLINT(performance-no-int-to-ptr)
	ssize_t n = process_vm_readv(s->tid, &here, 1, &there, 1, 0);
	if (n < 0 && errno == EPERM && is_waiting(s))
		scene_tell_reason(s, "could not be looked into");
	return n;
}

bool scene_read(const struct scene *s, void *to, uint64_t address, size_t size)
{
	return read_some(s, to, address, size) == (ssize_t)size && is_waiting(s);
}

bool scene_read_string(const struct scene *s, char *to, size_t size, uint64_t address)
{
	size_t have = 0;
	while (have < size) {
		/* The next page may not be there, and need not. */
		size_t chunk = PAGE - (address + have) % PAGE;
		ssize_t n = read_some(s, to + have, address + have, chunk < size - have ? chunk : size - have);
		if (n <= 0)
			return false;
		if (memchr(to + have, '\0', (size_t)n))
			return is_waiting(s);
		have += (size_t)n;
	}
	return false;
}

/* --- names --- */

static bool takes(const char **rest, const char *path, const char *prefix)
{
	size_t n = strlen(prefix);
	*rest = path + n;
	return strncmp(path, prefix, n) == 0 && (**rest == '/' || **rest == '\0');
}

void name_locate(struct name *n, pid_t pid, pid_t tid)
{
	const char *rest;
	if (n->path[1] != 'p' && n->path[1] != 'd')
		memcpy(n->here, n->path, strlen(n->path) + 1);
	else if (takes(&rest, n->path, "/proc/self"))
		snprintf(n->here, sizeof n->here, "/proc/%d%s", pid, rest);
	else if (takes(&rest, n->path, "/proc/thread-self"))
		snprintf(n->here, sizeof n->here, "/proc/%d/task/%d%s", pid, tid, rest);
	else if (takes(&rest, n->path, "/dev/fd"))
		snprintf(n->here, sizeof n->here, "/proc/%d/fd%s", pid, rest);
	else if (takes(&rest, n->path, "/dev/stdin"))
		snprintf(n->here, sizeof n->here, "/proc/%d/fd/0%s", pid, rest);
	else if (takes(&rest, n->path, "/dev/stdout"))
		snprintf(n->here, sizeof n->here, "/proc/%d/fd/1%s", pid, rest);
	else if (takes(&rest, n->path, "/dev/stderr"))
		snprintf(n->here, sizeof n->here, "/proc/%d/fd/2%s", pid, rest);
	else
		memcpy(n->here, n->path, strlen(n->path) + 1);
}

bool scene_descriptor(const struct scene *s, struct name *n, int fd)
{
	char link[64];
	if (fd == AT_FDCWD)
		snprintf(link, sizeof link, "/proc/%d/cwd", s->tid);
	else
		snprintf(link, sizeof link, "/proc/%d/fd/%d", s->tid, fd);
	ssize_t size = readlink(link, n->path, sizeof n->path - 1);
	if (size < 0 && errno == EACCES)
		scene_tell_reason(s, "could not be looked into");
	/* A pipe or socket is named "pipe:[12]". */
	if (size <= 0 || n->path[0] != '/')
		return false;
	n->path[size] = '\0';
	snprintf(n->here, sizeof n->here, "%s", link);
	return is_waiting(s);
}

bool name_is_removed(const struct name *n)
{
	static const char mark[] = " (deleted)";
	size_t size = strlen(n->path);
	return size >= sizeof mark && strcmp(n->path + size - (sizeof mark - 1), mark) == 0;
}

/* Put the directory in front of a relative path. */
static bool make_absolute(const struct scene *s, struct name *n, int at)
{
	struct name base;
	size_t size = strlen(n->path);
	int fd = at == CALL_CWD ? AT_FDCWD : (int)s->args[at];
	if (!scene_descriptor(s, &base, fd))
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

bool scene_name(const struct scene *s, struct name *n, int at, int path, bool empty_is_fd)
{
	if (!scene_read_string(s, n->path, sizeof n->path, s->args[path]))
		return false;
	if (n->path[0] == '\0')
		return empty_is_fd && scene_descriptor(s, n, at == CALL_CWD ? AT_FDCWD : (int)s->args[at]);
	if (n->path[0] != '/' && !make_absolute(s, n, at))
		return false;
	name_locate(n, s->pid, s->tid);
	return true;
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
