/* Looking at files: glibc's further functions. */
#include "calls.h"
#include "looking.h"

#include "hidden.h"

#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

PATH_CALL(int, stat64, WIRE_STAT, 0, (const char *path, struct stat64 *st), (path, st))
PATH_CALL(int, lstat64, WIRE_STAT, WIRE_LOOK_NOFOLLOW, (const char *path, struct stat64 *st), (path, st))
AT_CALL(int, fstatat64, WIRE_STAT, LOOK_OF(flags), (int dir, const char *path, struct stat64 *st, int flags),
        (dir, path, st, flags))
PATH_CALL(int, __xstat, WIRE_STAT, 0, (int version, const char *path, struct stat *st), (version, path, st))
PATH_CALL(int, __xstat64, WIRE_STAT, 0, (int version, const char *path, struct stat64 *st),
          (version, path, st))
PATH_CALL(int, __lxstat, WIRE_STAT, WIRE_LOOK_NOFOLLOW, (int version, const char *path, struct stat *st),
          (version, path, st))
PATH_CALL(int, __lxstat64, WIRE_STAT, WIRE_LOOK_NOFOLLOW, (int version, const char *path, struct stat64 *st),
          (version, path, st))
AT_CALL(int, __fxstatat, WIRE_STAT, LOOK_OF(flags),
        (int version, int dir, const char *path, struct stat *st, int flags), (version, dir, path, st, flags))
AT_CALL(int, __fxstatat64, WIRE_STAT, LOOK_OF(flags),
        (int version, int dir, const char *path, struct stat64 *st, int flags),
        (version, dir, path, st, flags))
PATH_CALL(int, statfs64, WIRE_STAT, 0, (const char *path, struct statfs64 *st), (path, st))
PATH_CALL(int, __statfs, WIRE_STAT, 0, (const char *path, struct statfs *st), (path, st))
PATH_CALL(int, statvfs64, WIRE_STAT, 0, (const char *path, struct statvfs64 *st), (path, st))
AT_CALL(int, name_to_handle_at, WIRE_STAT, LOOK_OF(~flags),
        (int dir, const char *path, struct file_handle *handle, int *mount, int flags),
        (dir, path, handle, mount, flags))

SHIM int statx(int dir, const char *path, int flags, unsigned mask, struct statx *st)
{
	int rc = REAL(statx)(dir, path, flags, mask, st);
	unsigned type =
	    mask & ~(STATX_TYPE | STATX_MODE | STATX_INO | STATX_UID | STATX_GID) ? 0 : WIRE_LOOK_TYPE;
	log_path(WIRE_STAT, LOOK_OF(flags) | type, dir, path, rc);
	return rc;
}

SHIM ssize_t __readlink_chk(const char *path, char *text, size_t size, size_t room)
{
	ssize_t n = REAL(__readlink_chk)(path, text, size, room);
	looking_log_link(AT_FDCWD, path, size, n);
	return n;
}

SHIM ssize_t __readlinkat_chk(int dir, const char *path, char *text, size_t size, size_t room)
{
	ssize_t n = REAL(__readlinkat_chk)(dir, path, text, size, room);
	looking_log_link(dir, path, size, n);
	return n;
}

SHIM char *__realpath_chk(const char *path, char *resolved, size_t room)
{
	char *found = REAL(__realpath_chk)(path, resolved, room);
	log_path(WIRE_REALPATH, 0, AT_FDCWD, path, found ? 0 : -1);
	return found;
}

SHIM char *canonicalize_file_name(const char *path)
{
	char *found = REAL(canonicalize_file_name)(path);
	log_path(WIRE_REALPATH, 0, AT_FDCWD, path, found ? 0 : -1);
	return found;
}
