/* Calls that lead out of the file system, or into another one. */
#include "watcher/call.h"
#include "watcher/look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static const char NETWORK[] = "used the network";
static const char TALKED[] = "talked to another process";

/* --- sockets --- */

/* A name in the file system: that nobody listens there is a fact about a file. One
 * that is in none, and a new one with it, leads to a process. */
static void tell_local(const struct scene *s, const struct sockaddr_un *a, size_t size)
{
	struct name n;
	bool new = s->call->fixed &O_CREAT;
	size_t length = strnlen(a->sun_path, size - offsetof(struct sockaddr_un, sun_path));
	memcpy(n.path, a->sun_path, length);
	n.path[length] = '\0';
	if (length > 0 && !scene_complete(s, &n, AT_FDCWD))
		return;
	int error = length > 0 && !new ? look_access(&n, W_OK, 0) : 0;
	if (error)
		scene_tell(s, WIRE_STAT, error, 0, &n);
	else if (!new)
		scene_tell_reason(s, TALKED);
	else if (length > 0)
		scene_tell(s, WIRE_MAKE, look_make(&n), 0, &n);
}

static void tell_socket(const struct scene *s, uint64_t address, uint64_t size)
{
	union {
		struct sockaddr_un local;
		struct sockaddr_storage room;
	} a = {0};
	if (!address || size < sizeof(sa_family_t))
		return;
	if (size > sizeof a)
		size = sizeof a;
	if (!scene_read(s, &a, address, size))
		return;
	if (a.local.sun_family == AF_UNIX)
		tell_local(s, &a.local, size);
	else if (a.local.sun_family != AF_UNSPEC)
		scene_tell_reason(s, NETWORK);
}

void tell_address(struct scene *s)
{
	tell_socket(s, s->args[s->call->path], s->args[s->call->path + 1]);
}

static void tell_header(const struct scene *s, uint64_t at)
{
	struct msghdr m = {0};
	if (scene_read(s, &m, at, sizeof m))
		tell_socket(s, (uintptr_t)m.msg_name, m.msg_namelen);
}

void tell_message(struct scene *s)
{
	tell_header(s, s->args[1]);
}

/* As many as the kernel takes at once. */
void tell_messages(struct scene *s)
{
	enum { MOST = 1024 };
	for (uint64_t i = 0; i < s->args[2] && i < MOST; i++)
		tell_header(s, s->args[1] + i * sizeof(struct mmsghdr));
}

/* --- others --- */

void tell_random(struct scene *s)
{
	journal_note(&s->watch->journal, WIRE_SAW_RANDOM);
}

void tell_reason(struct scene *s)
{
	scene_tell_reason(s, s->call->why);
}

/* From here on a path there is another file than the same path here. */
void tell_moved(struct scene *s)
{
	scene_tell_reason(s, s->call->why);
	s->watch->elsewhere = true;
}

/* The flags are an argument, or the first in a structure. */
void tell_clone(struct scene *s)
{
	uint64_t flags = s->args[0];
	if (s->call->fixed && !scene_read(s, &flags, s->args[0], sizeof flags))
		return;
	if (flags & CALL_NAMESPACES)
		tell_moved(s);
}

/* To be who one is already changes nothing. */
void tell_identity(struct scene *s)
{
	uint32_t mine = s->call->fixed == 'g' ? getegid() : geteuid();
	bool other = s->call->path == 0;
	for (int i = 0; i < s->call->path; i++)
		other |= (uint32_t)s->args[i] != mine && (uint32_t)s->args[i] != UINT32_MAX;
	if (other)
		scene_tell_reason(s, s->call->why);
}

/* Where both have one memory, it is one program: so does LeakSanitizer look for what
 * is still in use. */
void tell_trace(struct scene *s)
{
	bool attaches = s->args[0] == PTRACE_ATTACH || s->args[0] == PTRACE_SEIZE;
	if (s->args[0] == PTRACE_TRACEME ||
	    (attaches && syscall(SYS_kcmp, s->tid, (pid_t)s->args[1], KCMP_VM, 0, 0) != 0))
		scene_tell_reason(s, s->call->why);
}

void tell_ipc(struct scene *s)
{
	if ((key_t)s->args[0] != IPC_PRIVATE)
		scene_tell_reason(s, TALKED);
}

/* Is the caller another watcher, started below us? */
static bool is_watcher(const struct scene *s)
{
	struct stat ours, theirs;
	struct name exe = {.path = "/proc/self/exe"};
	name_locate(&exe, s->pid, s->tid);
	return stat("/proc/self/exe", &ours) == 0 && stat(exe.here, &theirs) == 0 &&
	       ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

/* Who wants to be told of system calls is refused, for we are there before; a
 * watcher must know that it is us. */
void tell_filter(struct scene *s)
{
	if (s->args[0] != SECCOMP_SET_MODE_FILTER || !(s->args[1] & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return;
	if (is_watcher(s))
		s->answer = EALREADY;
	else
		scene_tell_reason(s, "could not watch system calls, being watched");
}
