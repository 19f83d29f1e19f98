/* Directories: glibc's further functions. */
#include "find.h"
#include "log.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/types.h>

SHIM int scandir64(const char *path, struct dirent64 ***names, int (*wanted)(const struct dirent64 *),
                   int (*order)(const struct dirent64 **, const struct dirent64 **))
{
	int rc = REAL(scandir64)(path, names, wanted, order);
	log_path(WIRE_LIST, 0, AT_FDCWD, path, rc);
	return rc;
}

SHIM int scandirat(int dir, const char *path, struct dirent ***names, int (*wanted)(const struct dirent *),
                   int (*order)(const struct dirent **, const struct dirent **))
{
	int rc = REAL(scandirat)(dir, path, names, wanted, order);
	log_path(WIRE_LIST, 0, dir, path, rc);
	return rc;
}

SHIM int scandirat64(int dir, const char *path, struct dirent64 ***names,
                     int (*wanted)(const struct dirent64 *),
                     int (*order)(const struct dirent64 **, const struct dirent64 **))
{
	int rc = REAL(scandirat64)(dir, path, names, wanted, order);
	log_path(WIRE_LIST, 0, dir, path, rc);
	return rc;
}

SHIM ssize_t getdents64(int fd, void *data, size_t size)
{
	ssize_t n = REAL(getdents64)(fd, data, size);
	if (n >= 0)
		log_fd(WIRE_LIST, 0, fd, 0);
	return n;
}
