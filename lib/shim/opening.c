#include "opening.h"

#include "raw.h"

#include <errno.h>
#include <unistd.h>

bool opening_is_fresh(int dir, const char *path, int flags)
{
	if (!(flags & O_CREAT) || !log_on())
		return false;
	return flags & O_EXCL || raw_access(dir, path, F_OK) < 0;
}

static unsigned detail_of(int flags, bool fresh)
{
	/* A file without a name, O_TMPFILE, comes under O_DIRECTORY, too. */
	if (flags & (O_PATH | O_DIRECTORY))
		return WIRE_OPEN_DIRECTORY | (flags & O_NOFOLLOW ? WIRE_OPEN_NOFOLLOW : 0);
	unsigned detail = flags & O_NOFOLLOW ? WIRE_OPEN_NOFOLLOW : 0;
	if ((flags & O_ACCMODE) != O_WRONLY)
		detail |= WIRE_OPEN_READ;
	if ((flags & O_ACCMODE) != O_RDONLY)
		detail |= WIRE_OPEN_WRITE;
	if (flags & O_TRUNC)
		detail |= WIRE_OPEN_EMPTY;
	if (flags & O_CREAT && flags & O_EXCL)
		detail |= WIRE_OPEN_EXCLUSIVE;
	return fresh ? detail | WIRE_OPEN_CREATED : detail;
}

void opening_log_error(int dir, const char *path, int flags, bool fresh, int error)
{
	log_outcome(WIRE_OPEN, detail_of(flags, fresh && !error), dir, path, error);
}

void opening_log(int dir, const char *path, int flags, bool fresh, long rc)
{
	opening_log_error(dir, path, flags, fresh, rc < 0 ? errno : 0);
}

int opening_flags(const char *mode)
{
	int flags = mode[0] == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | (mode[0] == 'w' ? O_TRUNC : 0);
	for (const char *c = mode; *c && *c != ','; c++) {
		if (*c == '+')
			flags = (flags & ~O_ACCMODE) | O_RDWR;
		else if (*c == 'x')
			flags |= O_EXCL;
	}
	return flags;
}
