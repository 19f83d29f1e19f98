#include "watcher/look.h"

#include "watcher/mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

/* Not the C library's, which takes flags apart by looking itself. */
static int look_at(const char *path, int mode, int flags)
{
	return error_of(syscall(SYS_faccessat2, AT_FDCWD, path, mode, flags | AT_EACCESS));
}

int look_access(const struct name *n, int mode, int flags)
{
	return look_at(n->here, mode, flags);
}

int look_link(const struct name *n)
{
	char byte;
	return error_of(readlink(n->here, &byte, 1));
}

/* The directory that the last part of a path stands in. */
static void cut_last(char *path)
{
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 1 && path[n - 1] != '/')
		n--;
	path[n] = '\0';
}

static void parent_of(char parent[], const struct name *n)
{
	memcpy(parent, n->here, strlen(n->here) + 1);
	cut_last(parent);
}

int look_parent(const struct name *n)
{
	char parent[sizeof n->here];
	parent_of(parent, n);
	return look_at(parent, W_OK | X_OK, 0);
}

int look_make(const struct name *n)
{
	int error = look_access(n, F_OK, AT_SYMLINK_NOFOLLOW);
	if (error == ENOENT)
		return look_parent(n);
	return error ? error : EEXIST;
}

static bool is_empty_directory(const char *path)
{
	bool empty = true;
	const struct dirent *e;
	DIR *d = opendir(path);
	while (d && empty && (e = readdir(d)))
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (d)
		closedir(d);
	return empty;
}

/* In a directory like /tmp each removes only what is his. */
static bool is_kept(const struct name *n, const struct stat *st)
{
	char parent[sizeof n->here];
	struct stat dir;
	parent_of(parent, n);
	uid_t me = geteuid();
	return me != 0 && stat(parent, &dir) == 0 && dir.st_mode & S_ISVTX && dir.st_uid != me &&
	       st->st_uid != me;
}

/* Does what stands at n keep something of this kind from taking its place? */
static int look_replace(const struct name *n, bool directory)
{
	struct stat st;
	if (lstat(n->here, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode) && !directory)
		return EISDIR;
	if (!S_ISDIR(st.st_mode) && directory)
		return ENOTDIR;
	if (is_kept(n, &st))
		return EPERM;
	return directory && !is_empty_directory(n->here) ? ENOTEMPTY : 0;
}

int look_remove(const struct name *n, bool directory)
{
	int error = look_replace(n, directory);
	return error ? error : look_parent(n);
}

/* One file system may be mounted twice, and no name goes from one to the other. */
static bool on_other_mount(const struct name *a, const struct name *b)
{
	char parent[sizeof a->here];
	uint64_t first, second;
	parent_of(parent, a);
	if (!mount_find(&first, parent))
		return false;
	parent_of(parent, b);
	return mount_find(&second, parent) && first != second;
}

int look_rename(const struct name *from, const struct name *to, unsigned flags)
{
	struct stat st;
	if (on_other_mount(from, to))
		return EXDEV;
	if (lstat(from->here, &st) < 0)
		return errno;
	if (is_kept(from, &st))
		return EPERM;
	if (flags & RENAME_NOREPLACE && look_access(to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return EEXIST;
	int error = look_parent(from);
	if (!error)
		error = look_parent(to);
	if (error)
		return error;
	if (flags & RENAME_EXCHANGE)
		return look_access(to, F_OK, AT_SYMLINK_NOFOLLOW);
	error = look_replace(to, S_ISDIR(st.st_mode));
	return error == ENOENT ? 0 : error;
}

int look_hard_link(const struct name *from, const struct name *to)
{
	struct stat st;
	if (lstat(from->here, &st) < 0)
		return errno;
	int error = S_ISDIR(st.st_mode) ? EPERM : look_make(to);
	if (error != EEXIST && on_other_mount(from, to))
		error = EXDEV;
	return error;
}
