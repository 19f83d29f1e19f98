/* What stands in front of glob(3). The C library lists directories by itself; but it
 * lets itself be given functions for that, and those are then ours. */

#include "find.h"
#include "log.h"

#include <dirent.h>
#include <glob.h>
#include <sys/stat.h>

static inline void glob_close(void *dir)
{
	closedir(dir);
}

static inline void *glob_open(const char *path)
{
	return opendir(path);
}

/* The caller's own functions, if it has some, call what we stand in front of. */
#define GLOB(name, glob_type, read, look, look_not_follow)                                             \
	SHIM int name(const char *pattern, int flags, int (*failed)(const char *, int), glob_type *result) \
	{                                                                                                  \
		if (flags & GLOB_ALTDIRFUNC || !log_on())                                                      \
			return REAL(name)(pattern, flags, failed, result);                                         \
		glob_type was = *result;                                                                       \
		result->gl_closedir = glob_close;                                                              \
		result->gl_readdir = read;                                                                     \
		result->gl_opendir = glob_open;                                                                \
		result->gl_lstat = look_not_follow;                                                            \
		result->gl_stat = look;                                                                        \
		int rc = REAL(name)(pattern, flags | GLOB_ALTDIRFUNC, failed, result);                         \
		result->gl_flags &= ~GLOB_ALTDIRFUNC;                                                          \
		result->gl_closedir = was.gl_closedir;                                                         \
		result->gl_readdir = was.gl_readdir;                                                           \
		result->gl_opendir = was.gl_opendir;                                                           \
		result->gl_lstat = was.gl_lstat;                                                               \
		result->gl_stat = was.gl_stat;                                                                 \
		return rc;                                                                                     \
	}

static struct dirent *read_name(void *dir)
{
	return readdir(dir);
}

static struct dirent64 *read_name64(void *dir)
{
	return readdir64(dir);
}

GLOB(glob, glob_t, read_name, stat, lstat)
GLOB(glob64, glob64_t, read_name64, stat64, lstat64)
