/* be WHAT [ARG...]: programs of the kinds that an onlooker could disturb. Each prints
 * what it found, which is the same watched and unwatched. Linked statically by the
 * tests of the watcher. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Who has no children finds none; and nothing is pending, blocked or handled. */
static int alone(void)
{
	sigset_t pending, blocked;
	int reaper = 0, mine;
	mine = waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD;
	sigpending(&pending);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	prctl(PR_GET_CHILD_SUBREAPER, &reaper);
	printf("no child: %d, pending: %d, blocked: %d, reaper: %d\n", mine, sigismember(&pending, SIGCHLD),
	       sigismember(&blocked, SIGTERM), reaper);
	return 0;
}

static int descriptors(void)
{
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d\n", fd);
	return 0;
}

static int open_once(const char *path)
{
	int fd = open(path, O_RDONLY);
	return fd < 0 ? errno : close(fd);
}

static int forks(int n)
{
	int status, good = 0;
	for (int i = 0; i < n; i++) {
		if (fork() == 0)
			_exit(open_once("/"));
		good += wait(&status) > 0 && status == 0;
	}
	printf("%d\n", good);
	return 0;
}

/* All at once. */
static int storm(int n)
{
	int status, good = 0;
	for (int i = 0; i < n; i++)
		if (fork() == 0) {
			for (int k = 0; k < 20; k++)
				open_once("/nonexistent");
			_exit(open_once("/"));
		}
	while (wait(&status) > 0)
		good += status == 0;
	printf("%d\n", good);
	return 0;
}

static void *open_often(void *failed)
{
	for (int i = 0; i < 500; i++)
		if (open_once("/"))
			++*(int *)failed;
	return NULL;
}

static int threads(void)
{
	enum { THREADS = 8 };
	pthread_t t[THREADS];
	int failed[THREADS] = {0}, all = 0;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, open_often, &failed[i]);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		all += failed[i];
	}
	printf("failed: %d\n", all);
	return 0;
}

static int vforked(char **argv)
{
	int status;
	pid_t pid = vfork();
	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	printf("status %d\n", WEXITSTATUS(status));
	return 0;
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

/* Signals come all the time, and no look-up is broken off. */
static int interrupted(void)
{
	struct sigaction a = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct itimerval often = {{0, 200}, {0, 200}};
	struct stat st;
	int failed = 0;
	sigaction(SIGALRM, &a, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	while (alarms < 200)
		failed += stat("/", &st) < 0;
	printf("failed: %d\n", failed);
	return 0;
}

/* A filter of its own refuses mkdir. */
static int filtered(void)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return 1;
	printf("%d\n", syscall(SYS_mkdir, "made", 0777) < 0 ? errno : 0);
	return open_once("/");
}

/* Lock a file and execute; in what is executed, the lock is still ours. */
static int hold(char **argv)
{
	struct flock l = {.l_type = F_WRLCK};
	int fd = open(argv[0], O_RDWR | O_CREAT, 0666);
	if (fcntl(fd, F_SETLK, &l) < 0)
		return 1;
	execv(argv[1], argv + 1);
	return 127;
}

static int probe(const char *path)
{
	if (fork() == 0) {
		struct flock l = {.l_type = F_WRLCK};
		fcntl(open(path, O_RDWR), F_GETLK, &l);
		printf("held by its parent: %d\n", l.l_type == F_WRLCK && l.l_pid == getppid());
		exit(0);
	}
	wait(NULL);
	return 0;
}

/* Become a reaper of orphans, with a mask and a signal ignored, and execute. */
static int odd(char **argv)
{
	sigset_t usr;
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr, NULL);
	raise(SIGUSR1);
	signal(SIGCHLD, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	execv(argv[0], argv);
	return 127;
}

static int as_odd_as_before(void)
{
	sigset_t pending;
	sigpending(&pending);
	printf("pending: %d, ignored: %d\n", sigismember(&pending, SIGUSR1), signal(SIGCHLD, SIG_IGN) == SIG_IGN);
	return alone();
}

/* Say who we are, and stop until somebody continues us. */
static int stopped(void)
{
	printf("%d\n", getpid());
	raise(SIGSTOP);
	puts("continued");
	return open_once("/");
}

static int killed(const char *path)
{
	open_once(path);
	return raise(SIGKILL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	setvbuf(stdout, NULL, _IONBF, 0);
	if (strcmp(what, "alone") == 0)
		return alone();
	if (strcmp(what, "descriptors") == 0)
		return descriptors();
	if (strcmp(what, "forks") == 0)
		return forks(atoi(argv[2]));
	if (strcmp(what, "storm") == 0)
		return storm(atoi(argv[2]));
	if (strcmp(what, "threads") == 0)
		return threads();
	if (strcmp(what, "vforked") == 0)
		return vforked(argv + 2);
	if (strcmp(what, "interrupted") == 0)
		return interrupted();
	if (strcmp(what, "filtered") == 0)
		return filtered();
	if (strcmp(what, "hold") == 0)
		return hold(argv + 2);
	if (strcmp(what, "probe") == 0)
		return probe(argv[2]);
	if (strcmp(what, "odd") == 0)
		return odd(argv + 2);
	if (strcmp(what, "as-odd") == 0)
		return as_odd_as_before();
	if (strcmp(what, "stopped") == 0)
		return stopped();
	if (strcmp(what, "killed") == 0)
		return killed(argv[2]);
	return 2;
}
