#include "party.h"

#include "chaos.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
struct party party;

static struct member *add(const struct member *m)
{
	if (party.count == party.room) {
		party.room = party.room ? 2 * party.room : 1024;
		party.members = realloc(party.members, party.room * sizeof *party.members);
		if (!party.members)
			die("memory");
	}
	party.members[party.count] = *m;
	return &party.members[party.count++];
}

static int unnamed_file(void)
{
	int fd = memfd_create("said", MFD_CLOEXEC);
	if (fd < 0)
		die("memfd_create");
	return fd;
}

size_t party_start(const struct member *like, char *const argv[])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	struct member *m = add(like);
	m->out = unnamed_file();
	m->err = unnamed_file();
	m->came = now_ns();
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, m->out, 1);
	posix_spawn_file_actions_adddup2(&actions, m->err, 2);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	errno = posix_spawn(&m->pid, argv[0], &actions, &attributes, argv, environ);
	if (errno)
		die(argv[0]);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	party.here++;
	return party.count - 1;
}

long party_find(pid_t pid)
{
	for (size_t i = party.first_here; i < party.count; i++)
		if (party.members[i].pid == pid && !party.members[i].went)
			return (long)i;
	return -1;
}

long party_pick(enum errand errand)
{
	size_t span = party.count - party.first_here;
	for (int tries = 0; span && tries < 20; tries++) {
		size_t i = party.first_here + dice((unsigned)span);
		const struct member *m = &party.members[i];
		if (!m->went && !m->killed && m->errand == errand)
			return (long)i;
	}
	return -1;
}

/* Not reaped yet, so the pid is still its own. */
void party_kill(size_t who)
{
	struct member *m = &party.members[who];
	m->killed = true;
	kill(m->pid, SIGKILL);
}

void party_stop(size_t who, int64_t ns)
{
	struct member *m = &party.members[who];
	m->stopped_until = now_ns() + ns;
	kill(m->pid, SIGSTOP);
}

void party_wake(bool all)
{
	int64_t now = now_ns();
	for (size_t i = party.first_here; i < party.count; i++) {
		struct member *m = &party.members[i];
		if (!m->went && m->stopped_until && (all || m->stopped_until <= now)) {
			m->stopped_until = 0;
			kill(m->pid, SIGCONT);
		}
	}
}

void party_signal_run(struct run *r, int signal)
{
	/* The pidfd first: what it names does not change while we look who it is. */
	int fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (fd < 0)
		return;
	pid_t parent = parent_of(r->pid);
	if ((parent == r->above[0] || parent == getpid()) && syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) == 0)
		r->killed |= signal == SIGKILL;
	close(fd);
}

bool party_kill_parent(struct run *r)
{
	int fd = (int)syscall(SYS_pidfd_open, r->above[0], 0);
	if (fd < 0)
		return false;
	bool sent = parent_of(r->pid) == r->above[0] && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
	r->bereft |= sent;
	close(fd);
	return sent;
}

long party_reap(int *status)
{
	siginfo_t ended = {.si_pid = 0};
	if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) < 0)
		return errno == ECHILD ? PARTY_NOBODY : PARTY_NONE_ENDED;
	if (!ended.si_pid)
		return PARTY_NONE_ENDED;
	history_read();
	waitpid(ended.si_pid, status, 0);
	long who = party_find(ended.si_pid);
	if (who < 0)
		return PARTY_STRANGER;
	party.members[who].went = now_ns();
	party.here--;
	while (party.first_here < party.count && party.members[party.first_here].went)
		party.first_here++;
	return who;
}

void party_end(void)
{
	for (size_t i = party.first_here; i < party.count; i++)
		if (!party.members[i].went)
			party_kill(i);
}

/* --- what hangs --- */

static void show_file(const char *path)
{
	char line[512];
	FILE *f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof line, f))
		fprintf(stderr, "      %s%s", line, strchr(line, '\n') ? "" : "\n");
	fclose(f);
}

static void show_process(pid_t pid)
{
	static const char *const files[] = {"wchan", "stack", "syscall"};
	char path[64], line[256];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	if (f && fgets(line, sizeof line, f))
		fprintf(stderr, "    %.120s\n", line);
	if (f)
		fclose(f);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "/proc/%d/%s", pid, files[i]);
		show_file(path);
	}
}

void party_show(void)
{
	fprintf(stderr, "  /proc/locks:\n");
	show_file("/proc/locks");
	for (size_t i = party.first_here; i < party.count; i++)
		if (!party.members[i].went) {
			fprintf(stderr, "  member %zu, pid %d, since %.6f:\n", i, party.members[i].pid,
			        seconds(party.members[i].came));
			show_process(party.members[i].pid);
		}
}
