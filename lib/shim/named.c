/* Shared memory and its like: names of their own, kept as files under /dev/shm. */
#include "find.h"
#include "opening.h"

#include <limits.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* PREFIX and name in `path`, its leading slashes left out. False: too long. */
static bool path_of(char path[NAME_MAX + 32], const char *prefix, const char *name)
{
	name += strspn(name, "/");
	if (strnlen(name, NAME_MAX + 1) > NAME_MAX)
		return false;
	strcpy(stpcpy(path, prefix), name);
	return true;
}

SHIM int shm_open(const char *name, int flags, mode_t mode)
{
	char path[NAME_MAX + 32];
	bool known = path_of(path, "/dev/shm/", name);
	bool fresh = known && opening_is_fresh(AT_FDCWD, path, flags);
	int fd = REAL(shm_open)(name, flags, mode);
	if (known)
		opening_log(AT_FDCWD, path, flags | O_NOFOLLOW, fresh, fd);
	return fd;
}

SHIM sem_t *sem_open(const char *name, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
	unsigned value = flags & O_CREAT ? va_arg(rest, unsigned) : 0;
	va_end(rest);
	log_word(WIRE_UNCACHEABLE, "used a semaphore that others may know");
	return REAL(sem_open)(name, flags, mode, value);
}

SHIM mqd_t mq_open(const char *name, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
	struct mq_attr *attributes = flags & O_CREAT ? va_arg(rest, struct mq_attr *) : NULL;
	va_end(rest);
	log_word(WIRE_UNCACHEABLE, "used a message queue");
	return REAL(mq_open)(name, flags, mode, attributes);
}
