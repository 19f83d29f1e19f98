/* Executing programs so that they, too, are watched. */
#include "find.h"
#include "library.h"
#include "log.h"
#include "outfit.h"
#include "place.h"
#include "search.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static int exec_as(const struct outfit *o, const char *path)
{
	log_exec(o->fate, AT_FDCWD, path);
	int rc = REAL(execve)(o->path, o->argv, o->envp);
	log_exec_failed(errno, AT_FDCWD, path);
	return rc;
}

static int exec_program(const char *path, char *const argv[], char *const envp[])
{
	struct target t;
	struct outfit o;
	if (!log_on())
		return REAL(execve)(path, argv, envp);
	library_sweep_now();
	target_look(&t, AT_FDCWD, path);
	if (t.kind == TARGET_ABSENT && t.error == EFAULT)
		return REAL(execve)(path, argv, envp);
	outfit_choose(&o, &t, path, envp);
	OUTFIT_ROOM(room, &o, argv, envp);
	outfit_make(&o, room, path, argv, envp);
	int rc = exec_as(&o, path);
	if (outfit_is_too_large(&o, errno)) {
		outfit_make(&o, room, path, argv, envp);
		rc = exec_as(&o, path);
	}
	return rc;
}

/* As a shell script, whose first line need not say so. */
static int exec_by_shell(const char *path, char *const argv[], char *const envp[])
{
	size_t n = 0;
	while (argv[n])
		n++;
	char *by_shell[n + 3];
	by_shell[0] = (char *)"/bin/sh";
	by_shell[1] = (char *)path;
	for (size_t i = 1; i <= n; i++)
		by_shell[i + 1] = argv[i];
	by_shell[n ? n + 1 : 2] = NULL;
	log_outcome(WIRE_OPEN, WIRE_OPEN_READ, AT_FDCWD, path, 0);
	return exec_program("/bin/sh", by_shell, envp);
}

static int exec_or_by_shell(const char *path, char *const argv[], char *const envp[])
{
	int rc = exec_program(path, argv, envp);
	return errno == ENOEXEC ? exec_by_shell(path, argv, envp) : rc;
}

static int exec_sought(const char *name, char *const argv[], char *const envp[])
{
	char path[SEARCH_MAX];
	struct search s;
	bool denied = false;
	if (!log_on())
		return REAL(execvpe)(name, argv, envp);
	if (!search_begin(&s, name))
		return exec_or_by_shell(name, argv, envp);
	errno = ENOENT;
	while (search_next(&s, path)) {
		exec_or_by_shell(path, argv, envp);
		denied |= errno == EACCES;
		if (errno != EACCES && !search_goes_on(errno))
			return -1;
	}
	if (denied)
		errno = EACCES;
	return -1;
}

SHIM int execve(const char *path, char *const argv[], char *const envp[])
{
	return exec_program(path, argv, envp);
}

SHIM int execv(const char *path, char *const argv[])
{
	return exec_program(path, argv, environ);
}

SHIM int execvpe(const char *name, char *const argv[], char *const envp[])
{
	return exec_sought(name, argv, envp);
}

SHIM int execvp(const char *name, char *const argv[])
{
	return exec_sought(name, argv, environ);
}

/* The arguments in a list, as a vector `argv`; what follows their NULL is left in
 * `rest`. */
#define COLLECT(argv, rest, first)      \
	size_t count = 1;                   \
	va_list counting, rest;             \
	va_start(counting, first);          \
	while (va_arg(counting, char *))    \
		count++;                        \
	va_end(counting);                   \
	char *argv[count + 1];              \
	argv[0] = (char *)first;            \
	va_start(rest, first);              \
	for (size_t i = 1; i <= count; i++) \
		argv[i] = va_arg(rest, char *);

SHIM int execl(const char *path, const char *first, ...)
{
	COLLECT(argv, rest, first)
	va_end(rest);
	return exec_program(path, argv, environ);
}

SHIM int execlp(const char *name, const char *first, ...)
{
	COLLECT(argv, rest, first)
	va_end(rest);
	return exec_sought(name, argv, environ);
}

SHIM int execle(const char *path, const char *first, ...)
{
	COLLECT(argv, rest, first)
	char *const *envp = va_arg(rest, char *const *);
	va_end(rest);
	return exec_program(path, argv, envp);
}

static int exec_open(const struct outfit *o, int fd)
{
	log_exec(o->fate, AT_FDCWD, o->path);
	int rc = REAL(fexecve)(fd, o->argv, o->envp);
	log_exec_failed(errno, AT_FDCWD, o->path);
	return rc;
}

/* By descriptor: watched if the file still has the name that it was opened by. */
SHIM int fexecve(int fd, char *const argv[], char *const envp[])
{
	char path[WIRE_PATH_MAX] = "";
	struct place file;
	struct target t = {.kind = TARGET_ABSENT};
	struct outfit o;
	if (!log_on())
		return REAL(fexecve)(fd, argv, envp);
	if (fd >= 0 && place_of(&file, fd, path))
		target_look(&t, AT_FDCWD, path);
	/* Not by the watcher: it takes a path, and the name may be another's by now. */
	outfit_choose(&o, &t, NULL, envp);
	OUTFIT_ROOM(room, &o, argv, envp);
	outfit_make(&o, room, path, argv, envp);
	int rc = exec_open(&o, fd);
	if (outfit_is_too_large(&o, errno)) {
		outfit_make(&o, room, path, argv, envp);
		rc = exec_open(&o, fd);
	}
	return rc;
}
