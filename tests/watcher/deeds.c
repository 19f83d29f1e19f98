/* deeds DEED [PATH [PATH]] [, DEED ...]: make these system calls, one after the other,
 * and print a line for each: the deed, and 0 or the error's number. Linked statically
 * by the tests of the watcher. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

static long done(long fd)
{
	if (fd >= 0)
		close((int)fd);
	return fd;
}

static int local(int (*call)(int, const struct sockaddr *, socklen_t), const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strncpy(a.sun_path, path, sizeof a.sun_path - 1);
	return call(fd, (struct sockaddr *)&a, sizeof a);
}

static long list(const char *path)
{
	DIR *d = opendir(path);
	while (d && readdir(d))
		;
	return d ? closedir(d) : -1;
}

static long send_to_itself(int by_message)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	return by_message ? sendmsg(fd, &m, 0) : sendto(fd, "", 0, 0, (struct sockaddr *)&a, sizeof a);
}

static int is(const char *deed, const char *name)
{
	return strcmp(deed, name) == 0;
}

/* A deed that looks. */
static long look(const char *deed, const char *a)
{
	struct stat st;
	char text[64];
	if (is(deed, "open"))
		return done(open(a, O_RDONLY));
	if (is(deed, "old-open"))
		return done(syscall(SYS_open, a, O_RDONLY));
	if (is(deed, "openat2"))
		return done(syscall(SYS_openat2, AT_FDCWD, a, &(struct open_how){.flags = O_RDONLY},
		                    sizeof(struct open_how)));
	if (is(deed, "path"))
		return done(open(a, O_PATH));
	if (is(deed, "nofollow"))
		return done(open(a, O_RDONLY | O_NOFOLLOW));
	if (is(deed, "directory"))
		return done(open(a, O_RDONLY | O_DIRECTORY));
	if (is(deed, "stat"))
		return syscall(SYS_stat, a, &st);
	if (is(deed, "lstat"))
		return syscall(SYS_lstat, a, &st);
	if (is(deed, "fstatat"))
		return fstatat(AT_FDCWD, a, &st, 0);
	if (is(deed, "type")) {
		struct statx x;
		return statx(AT_FDCWD, a, 0, STATX_TYPE, &x);
	}
	if (is(deed, "access"))
		return access(a, R_OK);
	if (is(deed, "write-access"))
		return faccessat(AT_FDCWD, a, W_OK, 0);
	if (is(deed, "chdir"))
		return chdir(a);
	if (is(deed, "readlink"))
		return readlink(a, text, sizeof text);
	if (is(deed, "xattr"))
		return getxattr(a, "user.none", text, sizeof text);
	if (is(deed, "list"))
		return list(a);
	errno = ENOSYS;
	return -2;
}

/* A deed that changes something. */
static long change(const char *deed, const char *a, const char *b)
{
	if (is(deed, "write"))
		return done(open(a, O_WRONLY));
	if (is(deed, "truncate-open"))
		return done(open(a, O_WRONLY | O_TRUNC));
	if (is(deed, "create"))
		return done(open(a, O_WRONLY | O_CREAT, 0666));
	if (is(deed, "exclusive"))
		return done(open(a, O_RDWR | O_CREAT | O_EXCL, 0666));
	if (is(deed, "creat"))
		return done(syscall(SYS_creat, a, 0666));
	if (is(deed, "mkdir"))
		return mkdir(a, 0777);
	if (is(deed, "mkfifo"))
		return mkfifo(a, 0666);
	if (is(deed, "symlink"))
		return symlink(a, b);
	if (is(deed, "link"))
		return link(a, b);
	if (is(deed, "rename"))
		return rename(a, b);
	if (is(deed, "rename-new"))
		return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE);
	if (is(deed, "unlink"))
		return unlink(a);
	if (is(deed, "rmdir"))
		return rmdir(a);
	if (is(deed, "truncate"))
		return truncate(a, 0);
	if (is(deed, "chmod"))
		return chmod(a, 0600);
	if (is(deed, "lchown"))
		return lchown(a, geteuid(), getegid());
	if (is(deed, "utimes"))
		return utimensat(AT_FDCWD, a, NULL, 0);
	if (is(deed, "futimes"))
		return futimens(open(a, O_RDONLY), NULL);
	if (is(deed, "fchmod"))
		return fchmod(open(a, O_RDONLY), 0600);
	return look(deed, a);
}

/* A deed that leads out of the files. */
static long world(const char *deed, const char *a, const char *b)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	char byte;
	if (is(deed, "connect"))
		return connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&in, sizeof in);
	if (is(deed, "bind"))
		return bind(socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&in, sizeof in);
	if (is(deed, "sendto"))
		return send_to_itself(0);
	if (is(deed, "sendmsg"))
		return send_to_itself(1);
	if (is(deed, "talk"))
		return local(connect, a);
	if (is(deed, "listen"))
		return local(bind, a);
	if (is(deed, "mount"))
		return mount("none", "/nonexistent", "tmpfs", 0, NULL);
	if (is(deed, "chroot"))
		return chroot(a);
	if (is(deed, "unshare"))
		return unshare(CLONE_NEWNS);
	if (is(deed, "unshare-files"))
		return unshare(CLONE_FILES);
	if (is(deed, "io_uring"))
		return syscall(SYS_io_uring_setup, 0, NULL);
	if (is(deed, "trace"))
		return ptrace(PTRACE_TRACEME);
	if (is(deed, "poke"))
		return syscall(SYS_process_vm_writev, getpid(), NULL, 0, NULL, 0, 0);
	if (is(deed, "random"))
		return getrandom(&byte, 1, 0);
	if (is(deed, "setuid"))
		return syscall(SYS_setuid, geteuid());
	if (is(deed, "setuid-other"))
		return syscall(SYS_setuid, 12345);
	if (is(deed, "close-all"))
		return close_range(0, ~0U, 0);
	if (is(deed, "exec"))
		return execl(a, a, b, NULL);
	return change(deed, a, b);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 1; i < argc; i++) {
		const char *deed = argv[i], *a = NULL, *b = NULL;
		if (i + 1 < argc && strcmp(argv[i + 1], ",") != 0)
			a = argv[++i];
		if (a && i + 1 < argc && strcmp(argv[i + 1], ",") != 0)
			b = argv[++i];
		i++;
		errno = 0;
		printf("%s %d\n", deed, world(deed, a, b) < 0 ? errno : 0);
	}
	return 0;
}
