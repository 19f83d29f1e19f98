#include "exe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As execvp's, where PATH is not set at all. */
static const char DEFAULT_PATH[] = "/bin:/usr/bin";

static int examine(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return errno == EACCES ? EACCES : ENOENT;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	/* Executable for all: no need to ask whether for us. */
	if ((st.st_mode & 0111) == 0111)
		return 0;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : EACCES;
}

static int examine_joined(char out[PATH_MAX], const char *dir, size_t dir_size, const char *name)
{
	size_t n = strlen(name);
	if (dir_size + n + 2 > PATH_MAX)
		return ENAMETOOLONG;
	memcpy(out, dir, dir_size);
	if (dir_size && dir[dir_size - 1] != '/')
		out[dir_size++] = '/';
	memcpy(out + dir_size, name, n + 1);
	return examine(out);
}

static bool is_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int exe_resolve(char out[PATH_MAX], const char *name)
{
	const char *denied = NULL;
	if (!*name)
		return ENOENT;
	if (strchr(name, '/'))
		return examine_joined(out, "", 0, name);
	const char *path = getenv("PATH");
	if (!path)
		path = DEFAULT_PATH;
	for (const char *dir = path;; dir++) {
		size_t n = strcspn(dir, ":");
		int found = examine_joined(out, dir, n, name);
		if (found == 0)
			return 0;
		/* A directory on the way that may not be searched, or one that bears
		 * the name, says nothing about the command. */
		if (found == EACCES && !denied && is_file(out))
			denied = dir;
		dir += n;
		if (!*dir)
			break;
	}
	if (!denied)
		return ENOENT;
	examine_joined(out, denied, strcspn(denied, ":"), name);
	return EACCES;
}
