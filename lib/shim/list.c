/* Directories: who has one open may read all of its names. */
#include "find.h"
#include "log.h"

#include <dirent.h>
#include <fcntl.h>

SHIM DIR *opendir(const char *path)
{
	DIR *dir = REAL(opendir)(path);
	log_path(WIRE_LIST, 0, AT_FDCWD, path, dir ? 0 : -1);
	return dir;
}

SHIM DIR *fdopendir(int fd)
{
	DIR *dir = REAL(fdopendir)(fd);
	if (dir)
		log_fd(WIRE_LIST, 0, fd, 0);
	return dir;
}

SHIM int scandir(const char *path, struct dirent ***names, int (*wanted)(const struct dirent *),
                 int (*order)(const struct dirent **, const struct dirent **))
{
	int rc = REAL(scandir)(path, names, wanted, order);
	log_path(WIRE_LIST, 0, AT_FDCWD, path, rc);
	return rc;
}
