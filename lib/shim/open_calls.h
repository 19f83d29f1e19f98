/* What stands in front of the functions that open files; each C library's directory
 * has its own besides the usual ones. */
#ifndef DPC_SHIM_OPEN_CALLS_H
#define DPC_SHIM_OPEN_CALLS_H

#include "find.h"
#include "opening.h"

#include <stdarg.h>

#define NEEDS_MODE(flags) ((flags)&O_CREAT || ((flags)&O_TMPFILE) == O_TMPFILE)

/* The mode, where there is one. */
#define TAKE_MODE(mode, flags)       \
	mode_t mode = 0;                 \
	if (NEEDS_MODE(flags)) {         \
		va_list rest;                \
		va_start(rest, flags);       \
		mode = va_arg(rest, mode_t); \
		va_end(rest);                \
	}

#define OPEN(name)                                            \
	SHIM int name(const char *path, int flags, ...)           \
	{                                                         \
		TAKE_MODE(mode, flags)                                \
		bool fresh = opening_is_fresh(AT_FDCWD, path, flags); \
		int fd = REAL(name)(path, flags, mode);               \
		opening_log(AT_FDCWD, path, flags, fresh, fd);        \
		return fd;                                            \
	}

#define OPENAT(name)                                         \
	SHIM int name(int dir, const char *path, int flags, ...) \
	{                                                        \
		TAKE_MODE(mode, flags)                               \
		bool fresh = opening_is_fresh(dir, path, flags);     \
		int fd = REAL(name)(dir, path, flags, mode);         \
		opening_log(dir, path, flags, fresh, fd);            \
		return fd;                                           \
	}

#define CREAT(name)                                           \
	SHIM int name(const char *path, mode_t mode)              \
	{                                                         \
		int flags = O_WRONLY | O_CREAT | O_TRUNC;             \
		bool fresh = opening_is_fresh(AT_FDCWD, path, flags); \
		int fd = REAL(name)(path, mode);                      \
		opening_log(AT_FDCWD, path, flags, fresh, fd);        \
		return fd;                                            \
	}

#define FOPEN(name)                                               \
	SHIM FILE *name(const char *path, const char *mode)           \
	{                                                             \
		int flags = opening_flags(mode);                          \
		bool fresh = opening_is_fresh(AT_FDCWD, path, flags);     \
		FILE *file = REAL(name)(path, mode);                      \
		opening_log(AT_FDCWD, path, flags, fresh, file ? 0 : -1); \
		return file;                                              \
	}

/* Without a path it only changes the mode. */
#define FREOPEN(name)                                                 \
	SHIM FILE *name(const char *path, const char *mode, FILE *was)    \
	{                                                                 \
		int flags = opening_flags(mode);                              \
		bool fresh = path && opening_is_fresh(AT_FDCWD, path, flags); \
		FILE *file = REAL(name)(path, mode, was);                     \
		opening_log(AT_FDCWD, path, flags, fresh, file ? 0 : -1);     \
		return file;                                                  \
	}

/* The name, made up by the call, stands in the template afterwards. */
#define MAKE_TEMPORARY(name, parameters, arguments)                           \
	SHIM int name parameters                                                  \
	{                                                                         \
		int fd = REAL(name) arguments;                                        \
		opening_log(AT_FDCWD, template, O_RDWR | O_CREAT | O_EXCL, true, fd); \
		return fd;                                                            \
	}

#endif
