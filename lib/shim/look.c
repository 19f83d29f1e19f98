/* Looking at files without opening them. */
#include "calls.h"
#include "looking.h"
#include "place.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

PATH_CALL(int, stat, WIRE_STAT, 0, (const char *path, struct stat *st), (path, st))
PATH_CALL(int, lstat, WIRE_STAT, WIRE_LOOK_NOFOLLOW, (const char *path, struct stat *st), (path, st))
AT_CALL(int, fstatat, WIRE_STAT, LOOK_OF(flags), (int dir, const char *path, struct stat *st, int flags),
        (dir, path, st, flags))
PATH_CALL(int, statfs, WIRE_STAT, 0, (const char *path, struct statfs *st), (path, st))
PATH_CALL(int, statvfs, WIRE_STAT, 0, (const char *path, struct statvfs *st), (path, st))

PATH_CALL(int, access, WIRE_ACCESS, 0, (const char *path, int mode), (path, mode))
PATH_CALL(int, eaccess, WIRE_ACCESS, 0, (const char *path, int mode), (path, mode))
PATH_CALL(int, euidaccess, WIRE_ACCESS, 0, (const char *path, int mode), (path, mode))
AT_CALL(int, faccessat, WIRE_ACCESS, 0, (int dir, const char *path, int mode, int flags),
        (dir, path, mode, flags))

SHIM ssize_t readlink(const char *path, char *text, size_t size)
{
	ssize_t n = REAL(readlink)(path, text, size);
	looking_log_link(AT_FDCWD, path, size, n);
	return n;
}

SHIM ssize_t readlinkat(int dir, const char *path, char *text, size_t size)
{
	ssize_t n = REAL(readlinkat)(dir, path, text, size);
	looking_log_link(dir, path, size, n);
	return n;
}

SHIM char *realpath(const char *path, char *resolved)
{
	char *found = REAL(realpath)(path, resolved);
	log_path(WIRE_REALPATH, 0, AT_FDCWD, path, found ? 0 : -1);
	return found;
}

#define LOOK_AT_ATTRIBUTES(name, detail, parameters, arguments) \
	SHIM ssize_t name parameters                                \
	{                                                           \
		ssize_t n = REAL(name) arguments;                       \
		looking_log_attribute(detail, path, n);                 \
		return n;                                               \
	}

LOOK_AT_ATTRIBUTES(getxattr, 0, (const char *path, const char *name, void *value, size_t size),
                   (path, name, value, size))
LOOK_AT_ATTRIBUTES(lgetxattr, WIRE_LOOK_NOFOLLOW,
                   (const char *path, const char *name, void *value, size_t size), (path, name, value, size))
LOOK_AT_ATTRIBUTES(listxattr, 0, (const char *path, char *list, size_t size), (path, list, size))
LOOK_AT_ATTRIBUTES(llistxattr, WIRE_LOOK_NOFOLLOW, (const char *path, char *list, size_t size),
                   (path, list, size))

SHIM ssize_t fgetxattr(int fd, const char *name, void *value, size_t size)
{
	ssize_t n = REAL(fgetxattr)(fd, name, value, size);
	looking_log_open_attribute(fd, n);
	return n;
}

SHIM ssize_t flistxattr(int fd, char *list, size_t size)
{
	ssize_t n = REAL(flistxattr)(fd, list, size);
	looking_log_open_attribute(fd, n);
	return n;
}

SHIM int chdir(const char *path)
{
	/* Looked at from where it is relative to: before the call. It only tells
	 * that the directory is there. */
	int there = log_on() ? looking_access(path) : 0;
	log_outcome(WIRE_ACCESS, 0, AT_FDCWD, path, there);
	place_moved();
	return REAL(chdir)(path);
}

SHIM int fchdir(int fd)
{
	place_moved();
	return REAL(fchdir)(fd);
}
