#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int lines_open(struct lines *l, const char *path, char end)
{
	l->end = end;
	l->at = l->size = 0;
	l->reads = 0;
	l->fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	return l->fd < 0 ? -1 : 0;
}

void lines_close(struct lines *l)
{
	close(l->fd);
}

static bool refill(struct lines *l)
{
	ssize_t n;
	do
		n = read(l->fd, l->chunk, sizeof l->chunk);
	while (n < 0 && errno == EINTR);
	l->at = 0;
	l->size = n > 0 ? (size_t)n : 0;
	l->reads += n > 0;
	return n > 0;
}

bool lines_next(struct lines *l, char *line, size_t size)
{
	size_t n = 0;
	bool any = false;
	while (l->at < l->size || refill(l)) {
		char c = l->chunk[l->at++];
		any = true;
		if (c == l->end)
			break;
		if (n + 1 < size)
			line[n++] = c;
	}
	line[n] = '\0';
	return any;
}
