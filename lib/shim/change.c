/* Changing names and metadata. */
#include "calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

PATH_CALL(int, mkdir, WIRE_MAKE, 0, (const char *path, mode_t mode), (path, mode))
AT_CALL(int, mkdirat, WIRE_MAKE, 0, (int dir, const char *path, mode_t mode), (dir, path, mode))
PATH_CALL(int, mkfifo, WIRE_MAKE, 0, (const char *path, mode_t mode), (path, mode))
AT_CALL(int, mkfifoat, WIRE_MAKE, 0, (int dir, const char *path, mode_t mode), (dir, path, mode))
PATH_CALL(int, mknod, WIRE_MAKE, 0, (const char *path, mode_t mode, dev_t device), (path, mode, device))
AT_CALL(int, mknodat, WIRE_MAKE, 0, (int dir, const char *path, mode_t mode, dev_t device),
        (dir, path, mode, device))
PATH_CALL(int, symlink, WIRE_MAKE, WIRE_MAKE_LINK, (const char *target, const char *path), (target, path))
AT_CALL(int, symlinkat, WIRE_MAKE, WIRE_MAKE_LINK, (const char *target, int dir, const char *path), (target, dir, path))

PATH_CALL(int, unlink, WIRE_REMOVE, 0, (const char *path), (path))
AT_CALL(int, unlinkat, WIRE_REMOVE, 0, (int dir, const char *path, int flags), (dir, path, flags))
PATH_CALL(int, rmdir, WIRE_REMOVE, 0, (const char *path), (path))
PATH_CALL(int, remove, WIRE_REMOVE, 0, (const char *path), (path))

PATH_CALL(int, truncate, WIRE_CHANGE, 0, (const char *path, off_t size), (path, size))
PATH_CALL(int, chmod, WIRE_CHANGE, 0, (const char *path, mode_t mode), (path, mode))
AT_CALL(int, fchmodat, WIRE_CHANGE, 0, (int dir, const char *path, mode_t mode, int flags),
        (dir, path, mode, flags))
FD_CALL(int, fchmod, WIRE_CHANGE, (int fd, mode_t mode), (fd, mode))
PATH_CALL(int, chown, WIRE_CHANGE, 0, (const char *path, uid_t user, gid_t group), (path, user, group))
PATH_CALL(int, lchown, WIRE_CHANGE, 0, (const char *path, uid_t user, gid_t group), (path, user, group))
AT_CALL(int, fchownat, WIRE_CHANGE, 0, (int dir, const char *path, uid_t user, gid_t group, int flags),
        (dir, path, user, group, flags))
FD_CALL(int, fchown, WIRE_CHANGE, (int fd, uid_t user, gid_t group), (fd, user, group))
PATH_CALL(int, utime, WIRE_CHANGE, 0, (const char *path, const struct utimbuf *times), (path, times))
PATH_CALL(int, utimes, WIRE_CHANGE, 0, (const char *path, const struct timeval times[2]), (path, times))
PATH_CALL(int, lutimes, WIRE_CHANGE, 0, (const char *path, const struct timeval times[2]), (path, times))
FD_CALL(int, futimes, WIRE_CHANGE, (int fd, const struct timeval times[2]), (fd, times))
FD_CALL(int, futimens, WIRE_CHANGE, (int fd, const struct timespec times[2]), (fd, times))
PATH_CALL(int, setxattr, WIRE_CHANGE, 0,
          (const char *path, const char *name, const void *value, size_t size, int flags),
          (path, name, value, size, flags))
PATH_CALL(int, lsetxattr, WIRE_CHANGE, 0,
          (const char *path, const char *name, const void *value, size_t size, int flags),
          (path, name, value, size, flags))
FD_CALL(int, fsetxattr, WIRE_CHANGE, (int fd, const char *name, const void *value, size_t size, int flags),
        (fd, name, value, size, flags))
PATH_CALL(int, removexattr, WIRE_CHANGE, 0, (const char *path, const char *name), (path, name))
PATH_CALL(int, lremovexattr, WIRE_CHANGE, 0, (const char *path, const char *name), (path, name))
FD_CALL(int, fremovexattr, WIRE_CHANGE, (int fd, const char *name), (fd, name))

/* Without a path, the file that is open as `dir`. */
static int log_times(int dir, const char *path, int rc)
{
	if (path)
		log_path(WIRE_CHANGE, 0, dir, path, rc);
	else
		log_fd(WIRE_CHANGE, 0, dir, rc);
	return rc;
}

SHIM int utimensat(int dir, const char *path, const struct timespec times[2], int flags)
{
	return log_times(dir, path, REAL(utimensat)(dir, path, times, flags));
}

SHIM int futimesat(int dir, const char *path, const struct timeval times[2])
{
	return log_times(dir, path, REAL(futimesat)(dir, path, times));
}

SHIM char *mkdtemp(char *template)
{
	char *made = REAL(mkdtemp)(template);
	log_path(WIRE_MAKE, 0, AT_FDCWD, template, made ? 0 : -1);
	return made;
}
