/* What stands in front of functions that do one thing with one path, and return a
 * number below 0 where they fail. */
#ifndef DPC_SHIM_CALLS_H
#define DPC_SHIM_CALLS_H

#include "find.h"
#include "log.h"

#include <fcntl.h>

/* name(const char *path, ...) */
#define PATH_CALL(type, name, kind, detail, parameters, arguments) \
	SHIM type name parameters                                      \
	{                                                              \
		type rc = REAL(name) arguments;                            \
		log_path(kind, detail, AT_FDCWD, path, rc);                \
		return rc;                                                 \
	}

/* name(int dir, const char *path, ...) */
#define AT_CALL(type, name, kind, detail, parameters, arguments) \
	SHIM type name parameters                                    \
	{                                                            \
		type rc = REAL(name) arguments;                          \
		log_path(kind, detail, dir, path, rc);                   \
		return rc;                                               \
	}

/* name(int fd, ...) */
#define FD_CALL(type, name, kind, parameters, arguments) \
	SHIM type name parameters                            \
	{                                                    \
		type rc = REAL(name) arguments;                  \
		log_fd(kind, 0, fd, rc);                         \
		return rc;                                       \
	}

/* Of AT_SYMLINK_NOFOLLOW. */
#define LOOK_OF(flags) ((flags)&AT_SYMLINK_NOFOLLOW ? WIRE_LOOK_NOFOLLOW : 0)

#endif
