#include "looking.h"

#include "log.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

void looking_log_link(int dir, const char *path, size_t size, ssize_t n)
{
	int error = n < 0 ? errno : 0;
	/* What is there and no link gives EINVAL; so does a size of 0, before the
	 * path was read. */
	if (error == EINVAL && size && size <= SSIZE_MAX)
		log_outcome(WIRE_STAT, WIRE_LOOK_NOFOLLOW | WIRE_LOOK_TYPE, dir, path, 0);
	else
		log_outcome(WIRE_READLINK, 0, dir, path, error);
}

/* The file is there, and was looked at. */
static bool has_looked(int error)
{
	return error == ENODATA || error == ERANGE || error == EOPNOTSUPP;
}

void looking_log_attribute(unsigned detail, const char *path, ssize_t n)
{
	int error = n < 0 ? errno : 0;
	log_outcome(WIRE_STAT, detail, AT_FDCWD, path, has_looked(error) ? 0 : error);
}

void looking_log_open_attribute(int fd, ssize_t n)
{
	if (n >= 0 || has_looked(errno))
		log_fd(WIRE_STAT, 0, fd, 0);
}

int looking_access(const char *path)
{
	return (int)-raw_access(AT_FDCWD, path, X_OK);
}
