/* calls NAME [ARGUMENT...]: makes one call of the C library's, or a few that belong
 * together, for the tests to see what the shim says of it. Ends with 0 if it went well,
 * 1 if not, 2 if it knows no such call. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

static char **arg;

static int ended(pid_t pid)
{
	int status;
	return pid < 0 || waitpid(pid, &status, 0) < 0 ? -1 : status;
}

static int do_nothing(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path, (void)st, (void)type, (void)ftw;
	return 0;
}

static int walk_fts(void)
{
	FTS *walk = fts_open(arg, FTS_PHYSICAL, NULL);
	while (fts_read(walk))
		;
	return fts_close(walk);
}

static int list_at(void)
{
	char room[4096];
	int dir = open(arg[0], O_RDONLY | O_DIRECTORY);
	return getdents64(dir, room, sizeof room) < 0 ? -1 : 0;
}

static int open_at(void)
{
	int dir = open(arg[0], O_PATH);
	return openat(dir, arg[1], O_RDONLY);
}

static int move_and_open(void)
{
	return chdir(arg[0]) < 0 ? -1 : open(arg[1], O_RDONLY);
}

static int vfork_execve(void)
{
	pid_t pid = vfork();
	if (pid == 0) {
		execve(arg[0], arg, environ);
		_exit(127);
	}
	return ended(pid);
}

static int spawn_with(int (*spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                                   const posix_spawnattr_t *, char *const *, char *const *))
{
	pid_t pid;
	int error = spawn(&pid, arg[0], NULL, NULL, arg, environ);
	errno = error;
	return error ? -1 : ended(pid);
}

/* As many arguments as arg[0] says. */
static char **many_arguments(void)
{
	size_t n = (size_t)atol(arg[0]);
	char **argv = calloc(n + 1, sizeof *argv);
	for (size_t i = 0; argv && i < n; i++)
		argv[i] = (char *)"x";
	return argv;
}

static int exec_with_many(void)
{
	char *envp[] = {NULL};
	return execve("/bin/true", many_arguments(), envp);
}

static int spawn_with_many(void)
{
	char *envp[] = {NULL};
	pid_t pid;
	return posix_spawn(&pid, "/bin/true", NULL, NULL, many_arguments(), envp) == 0 ? ended(pid) : -1;
}

static int read_command(void)
{
	char line[256];
	FILE *f = popen(arg[0], "r");
	while (f && fgets(line, sizeof line, f))
		fputs(line, stdout);
	return f ? pclose(f) : -1;
}

/* Behind all descriptors: what is written goes where it is meant to. */
static int close_all(void)
{
	closefrom(3);
	for (int i = 0; i < 64; i++) {
		char name[32];
		snprintf(name, sizeof name, "out%d", i);
		int fd = open(name, O_WRONLY | O_CREAT, 0666);
		if (write(fd, name, strlen(name)) < 0)
			return -1;
	}
	return 0;
}

static void *open_many(void *which)
{
	char name[64];
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "/absent/%ld/%d", (long)which, i);
		if (open(name, O_RDONLY) >= 0)
			return which;
	}
	return NULL;
}

static int thread_it(void)
{
	pthread_t threads[4];
	for (long i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, open_many, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static int fault(void)
{
	char *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct stat st;
	bool all = open(bad, O_RDONLY) < 0 && errno == EFAULT;
	all &= open(bad, O_WRONLY | O_CREAT, 0666) < 0 && errno == EFAULT;
	all &= open(bad, O_RDONLY | O_TMPFILE, 0600) < 0 && errno == EINVAL;
	all &= stat(bad, &st) < 0 && errno == EFAULT;
	all &= access(bad, R_OK) < 0 && errno == EFAULT;
	all &= unlink(bad) < 0 && errno == EFAULT;
	all &= rename(bad, bad) < 0 && errno == EFAULT;
	all &= chdir(bad) < 0 && errno == EFAULT;
	all &= execve(bad, arg, arg) < 0 && errno == EFAULT;
	all &= syscall(SYS_openat, AT_FDCWD, bad, O_RDONLY) < 0 && errno == EFAULT;
	return all ? 0 : -1;
}

static int connect_unix(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strncpy(address.sun_path, arg[0], sizeof address.sun_path - 1);
	return connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
}

static int connect_inet(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	connect(socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&address, sizeof address);
	return 0;
}

static int bind_unix(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strncpy(address.sun_path, arg[0], sizeof address.sun_path - 1);
	return bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
}

static int load(void)
{
	void *handle = dlopen(arg[0], RTLD_NOW);
	return handle ? 0 : -1;
}

static int open_named(const char *mode)
{
	return fopen(arg[0], mode) ? 0 : -1;
}

static int make_temporary(void)
{
	char name[] = "made.XXXXXX";
	int fd = mkstemp(name);
	puts(name);
	return fd;
}

#define CALL(name_, expression)   \
	if (strcmp(name, name_) == 0) \
		return (long)(expression);

static long files(const char *name)
{
	struct stat st;
	struct statx stx;
	char room[4096];
	CALL("open", open(arg[0], O_RDONLY))
	CALL("open-write", open(arg[0], O_WRONLY))
	CALL("open-create", open(arg[0], O_WRONLY | O_CREAT, 0600))
	CALL("open-truncate", open(arg[0], O_RDWR | O_TRUNC))
	CALL("open-exclusive", open(arg[0], O_RDWR | O_CREAT | O_EXCL, 0640))
	CALL("open-unnamed", open(arg[0], O_RDWR | O_TMPFILE, 0600))
	CALL("open-nofollow", open(arg[0], O_RDONLY | O_NOFOLLOW))
	CALL("open-at", open_at())
	CALL("syscall", syscall(SYS_openat, AT_FDCWD, arg[0], O_RDONLY))
	CALL("creat", creat(arg[0], 0666))
	CALL("fopen-r", open_named("r"))
	CALL("fopen-w", open_named("w"))
	CALL("fopen-a+", open_named("a+"))
	CALL("freopen", freopen(arg[0], "r", stdin) ? 0 : -1)
	CALL("mkstemp", make_temporary())
	CALL("stat", stat(arg[0], &st))
	CALL("lstat", lstat(arg[0], &st))
	CALL("statx-type", statx(AT_FDCWD, arg[0], 0, STATX_TYPE, &stx))
	CALL("access", access(arg[0], R_OK))
	CALL("readlink", readlink(arg[0], room, sizeof room))
	CALL("realpath", realpath(arg[0], room) ? 0 : -1)
	CALL("getxattr", getxattr(arg[0], "user.none", room, sizeof room))
	CALL("chdir", move_and_open())
	return -2;
}

static long changes(const char *name)
{
	CALL("mkdir", mkdir(arg[0], 0777))
	CALL("symlink", symlink(arg[0], arg[1]))
	CALL("link", link(arg[0], arg[1]))
	CALL("rename", rename(arg[0], arg[1]))
	CALL("unlink", unlink(arg[0]))
	CALL("rmdir", rmdir(arg[0]))
	CALL("truncate", truncate(arg[0], 0))
	CALL("chmod", chmod(arg[0], 0600))
	CALL("fchmod", fchmod(open(arg[0], O_RDONLY), 0600))
	CALL("utimensat", utimensat(AT_FDCWD, arg[0], NULL, 0))
	CALL("bind", bind_unix())
	CALL("close-all", close_all())
	CALL("threads", thread_it())
	CALL("fault", fault())
	return -2;
}

static long lists(const char *name)
{
	struct dirent **names;
	glob_t found = {0};
	CALL("opendir", opendir(arg[0]) ? 0 : -1)
	CALL("fdopendir", fdopendir(open(arg[0], O_RDONLY)) ? 0 : -1)
	CALL("getdents", list_at())
	CALL("scandir", scandir(arg[0], &names, NULL, alphasort))
	CALL("glob", glob(arg[0], 0, NULL, &found))
	CALL("nftw", nftw(arg[0], do_nothing, 8, FTW_PHYS))
	CALL("fts", walk_fts())
	return -2;
}

static long starts(const char *name)
{
	CALL("execv", execv(arg[0], arg))
	CALL("execve", execve(arg[0], arg, environ))
	CALL("execve-bare", execve(arg[0], arg, NULL))
	CALL("execvp", execvp(arg[0], arg))
	CALL("execvpe", execvpe(arg[0], arg, environ))
	CALL("execl", execl(arg[0], arg[0], arg[1], arg[2], NULL))
	CALL("execlp", execlp(arg[0], arg[0], arg[1], arg[2], NULL))
	CALL("execle", execle(arg[0], arg[0], arg[1], arg[2], NULL, environ))
	CALL("fexecve", fexecve(open(arg[0], O_RDONLY | O_CLOEXEC), arg, environ))
	CALL("execveat", execveat(AT_FDCWD, arg[0], arg, environ, 0))
	CALL("vfork", vfork_execve())
	CALL("spawn", spawn_with(posix_spawn))
	CALL("spawnp", spawn_with(posix_spawnp))
	CALL("execve-many", exec_with_many())
	CALL("spawn-many", spawn_with_many())
	CALL("system", system(arg[0]))
	CALL("popen", read_command())
	CALL("syscall-exec", syscall(SYS_execve, arg[0], arg, environ))
	CALL("dlopen", load())
	return -2;
}

static long learns(const char *name)
{
	struct timespec now;
	time_t day = 0;
	CALL("getenv", getenv(arg[0]) ? 0 : -1)
	CALL("time", time(NULL) < 0)
	CALL("monotonic", clock_gettime(CLOCK_MONOTONIC, &now))
	CALL("getpid", getpid() < 0)
	CALL("localtime", localtime(&day) ? 0 : -1)
	CALL("connect-unix", connect_unix())
	CALL("connect-inet", connect_inet())
	return -2;
}

int main(int argc, char **argv)
{
	long (*const all[])(const char *) = {files, changes, lists, starts, learns};
	arg = argv + 2;
	for (size_t i = 0; argc > 1 && i < sizeof all / sizeof *all; i++) {
		long rc = all[i](argv[1]);
		if (rc != -2)
			return rc < 0 ? 1 : rc > 255 ? (int)(rc >> 8) : 0;
	}
	return 2;
}
