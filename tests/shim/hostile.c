/* hostile DEED [ARGUMENT...]: what no program should have to do, and some do: then it
 * shows what is in the file "input". Ends with 0 if all went well. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define INPUT "input"

static int copy(int from, int to)
{
	char room[4096];
	ssize_t n;
	while ((n = read(from, room, sizeof room)) > 0)
		if (write(to, room, (size_t)n) != n)
			return 1;
	return n < 0;
}

static int show(const char *path)
{
	int fd = open(path, O_RDONLY);
	return fd < 0 || copy(fd, 1);
}

/* Standard ones, too: the input becomes 0, and what is made of it 1. */
static int close_all(char **arg)
{
	(void)arg;
	closefrom(0);
	int in = open(INPUT, O_RDONLY), out = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	return in != 0 || out != 1 || copy(in, out);
}

static int scrub(char **arg)
{
	if (strcmp(*arg, "clear") == 0)
		clearenv();
	else
		environ = NULL;
	return system("/bin/cat " INPUT "; /usr/bin/env | /bin/grep -c .");
}

/* All at 4 that leave room for a program, and it has but one descriptor left. */
static int limit(char **arg)
{
	static const int kinds[] = {RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CORE,     RLIMIT_MEMLOCK,
	                            RLIMIT_NPROC,  RLIMIT_LOCKS, RLIMIT_MSGQUEUE, RLIMIT_SIGPENDING};
	const struct rlimit four = {4, 4};
	(void)arg;
	closefrom(3);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (setrlimit(kinds[i], &four) < 0)
			return 1;
	execl("/bin/cat", "cat", INPUT, NULL);
	return 127;
}

static int change_root(char **arg)
{
	if (chroot(arg[0]) < 0 || chdir("/") < 0)
		return 1;
	execl("/cat", "cat", INPUT, NULL);
	return 127;
}

/* From now on it may do what it needs, and all else is its death. */
static int confine(char **arg)
{
	(void)arg;
	static const int needed[] = {SYS_openat, SYS_read, SYS_write, SYS_newfstatat, SYS_exit_group};
	enum { COUNT = sizeof needed / sizeof *needed };
	struct sock_filter code[2 * COUNT + 2] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
	for (size_t i = 0; i < COUNT; i++) {
		code[1 + 2 * i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)needed[i], 0, 1);
		code[2 + 2 * i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	code[2 * COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	struct sock_fprog program = {2 * COUNT + 2, code};
	struct stat st;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return 1;
	return stat("none", &st) == 0 || show(INPUT);
}

static int load(char **arg)
{
	if (!dlopen(arg[0], RTLD_NOW))
		puts("not loaded");
	return show(INPUT);
}

static int fork_often(char **arg)
{
	for (int i = atoi(arg[0]); i > 0; i--) {
		int status;
		pid_t pid = fork();
		if (pid == 0)
			_exit(access(INPUT, R_OK) != 0);
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
			return 1;
	}
	return show(INPUT);
}

static int be_killed(char **arg)
{
	(void)arg;
	show(INPUT);
	return kill(getpid(), SIGKILL);
}

/* Each of another name, and nearly 4 KiB long. */
static int name_many(char **arg)
{
	char path[4000];
	memset(path, 'x', sizeof path);
	for (size_t i = 199; i < sizeof path; i += 200)
		path[i] = '/';
	for (long left = atol(arg[0]) << 20; left > 0; left -= sizeof path) {
		snprintf(path + sizeof path - 20, 20, "%019ld", left);
		if (access(path, F_OK) == 0)
			return 1;
	}
	return show(INPUT);
}

/* So many directories down, where it may be that not even the working directory has a
 * name that could be opened. With a text: leave it there as the input first. */
static int descend(char **arg)
{
	char name[200];
	memset(name, 'd', sizeof name);
	name[100] = '\n';
	name[sizeof name - 1] = 0;
	for (int i = atoi(arg[0]); i > 0; i--)
		if ((mkdir(name, 0777) < 0 && errno != EEXIST) || chdir(name) < 0)
			return 1;
	if (arg[1]) {
		FILE *f = fopen(INPUT, "w");
		if (!f || fputs(arg[1], f) < 0 || fclose(f) < 0)
			return 1;
	}
	return show(INPUT);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*deed)(char **arg);
	} deeds[] = {{"close-all", close_all}, {"scrub", scrub},    {"limit", limit},     {"chroot", change_root},
	             {"confine", confine},     {"load", load},      {"fork", fork_often}, {"killed", be_killed},
	             {"name", name_many},      {"descend", descend}};
	for (size_t i = 0; argc > 1 && i < sizeof deeds / sizeof *deeds; i++)
		if (strcmp(argv[1], deeds[i].name) == 0)
			return deeds[i].deed(argv + 2);
	return 2;
}
