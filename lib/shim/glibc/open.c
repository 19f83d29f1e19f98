/* Opening files: glibc's further functions. */
#include "open_calls.h"

#include "hidden.h"

#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>

OPEN(open64)
OPEN(__open)
OPEN(__open64)
OPENAT(openat64)
CREAT(creat64)
FOPEN(fopen64)
FREOPEN(freopen64)
FOPEN(setmntent)
FOPEN(__setmntent)
MAKE_TEMPORARY(mkstemp64, (char *template), (template))
MAKE_TEMPORARY(mkostemp64, (char *template, int flags), (template, flags))
MAKE_TEMPORARY(mkstemps64, (char *template, int suffix), (template, suffix))
MAKE_TEMPORARY(mkostemps64, (char *template, int suffix, int flags), (template, suffix, flags))

/* Those without a mode make no file. */
#define OPEN_2(name)                                   \
	SHIM int name(const char *path, int flags)         \
	{                                                  \
		int fd = REAL(name)(path, flags);              \
		opening_log(AT_FDCWD, path, flags, false, fd); \
		return fd;                                     \
	}

#define OPENAT_2(name)                                  \
	SHIM int name(int dir, const char *path, int flags) \
	{                                                   \
		int fd = REAL(name)(dir, path, flags);          \
		opening_log(dir, path, flags, false, fd);       \
		return fd;                                      \
	}

OPEN_2(__open_2)
OPEN_2(__open64_2)
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

SHIM mqd_t __mq_open_2(const char *name, int flags)
{
	log_word(WIRE_UNCACHEABLE, "used a message queue");
	return REAL(__mq_open_2)(name, flags);
}

SHIM int open_by_handle_at(int mount, struct file_handle *handle, int flags)
{
	log_word(WIRE_UNCACHEABLE, "used a file that has no name");
	return REAL(open_by_handle_at)(mount, handle, flags);
}
