#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From linux/openat2.h, which musl-gcc does not see. */
struct how {
	uint64_t flags, mode, resolve;
};
enum { HOW_NO_SYMLINKS = 0x04, HOW_BENEATH = 0x08 };

static int enter(int base, const char *path)
{
	struct how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = HOW_NO_SYMLINKS | HOW_BENEATH};
	return (int)syscall(SYS_openat2, base, *path ? path : ".", &how, sizeof how);
}

static void leave(struct beneath *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

int beneath_open(struct beneath *b)
{
	b->fd = -1;
	b->base = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return b->base < 0 ? -1 : 0;
}

void beneath_close(struct beneath *b)
{
	leave(b);
	if (b->base >= 0)
		close(b->base);
	b->base = -1;
}

/* One directory after the other, each in the one that was entered before. */
static int make_way(int base, const char *path)
{
	char way[PATH_MAX];
	int fd = enter(base, "");
	for (size_t n = 0; fd >= 0 && path[n];) {
		size_t size = strcspn(path + n, "/");
		memcpy(way, path + n, size);
		way[size] = '\0';
		/* Another may make it at this moment. */
		int rc = mkdirat(fd, way, 0777) < 0 && errno != EEXIST ? -1 : enter(fd, way);
		int saved = errno;
		close(fd);
		errno = saved;
		fd = rc;
		n += size + (path[n + size] == '/');
	}
	return fd;
}

int beneath_parent(struct beneath *b, const char *path, bool make, const char **name)
{
	const char *slash = strrchr(path, '/');
	size_t size = slash ? (size_t)(slash - path) : 0;
	*name = slash ? slash + 1 : path;
	/* Sorted paths stay in a directory for long. */
	if (b->fd >= 0 && strlen(b->path) == size && memcmp(b->path, path, size) == 0)
		return b->fd;
	leave(b);
	memcpy(b->path, path, size);
	b->path[size] = '\0';
	b->fd = enter(b->base, b->path);
	if (b->fd < 0 && errno == ENOENT && make)
		b->fd = make_way(b->base, b->path);
	return b->fd;
}
