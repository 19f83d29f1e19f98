/* Directories and patterns: as far as musl differs. */
#include "find.h"
#include "log.h"

#include <dirent.h>
#include <glob.h>

SHIM int getdents(int fd, struct dirent *data, size_t size)
{
	int n = REAL(getdents)(fd, data, size);
	if (n >= 0)
		log_fd(WIRE_LIST, 0, fd, 0);
	return n;
}

/* It cannot be told which directories it lists, as glibc's can. */
SHIM int glob(const char *restrict pattern, int flags, int (*failed)(const char *, int),
              glob_t *restrict result)
{
	log_word(WIRE_UNCACHEABLE, "expanded a pattern in a way that is not followed");
	return REAL(glob)(pattern, flags, failed, result);
}
