#include "watcher/supervise.h"

#include "watcher/call.h"
#include "watcher/scene.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Since 6.6, and so not in every header. */
enum { WAKE_ON_OUR_PROCESSOR = 1 };
static const unsigned long SET_FLAGS = SECCOMP_IOW(4, uint64_t);

/* A later kernel may have more to say. */
static union {
	struct seccomp_notif call;
	char room[512];
} heard;

static union {
	struct seccomp_notif_resp answer;
	char room[512];
} said;

bool supervise_possible(void)
{
	struct seccomp_notif_sizes sizes;
	return syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0 &&
	       sizes.seccomp_notif <= sizeof heard && sizes.seccomp_notif_resp <= sizeof said;
}

/* Who calls again is the same as before, most of the time. */
static pid_t process_of(pid_t tid)
{
	static pid_t last_tid, last_pid;
	if (tid != last_tid)
		last_pid = scene_process(tid);
	last_tid = tid;
	return last_pid;
}

static int tell(struct watch *w, const struct seccomp_notif *c)
{
	const uint64_t *args = (const uint64_t *)c->data.args;
	struct scene s = {.watch = w, .args = args, .id = c->id, .heard = scene_clock(), .tid = (pid_t)c->pid};
	if (w->elsewhere)
		return 0;
	s.pid = process_of(s.tid);
	s.call = call_find(c->data.nr);
	if (c->data.arch != AUDIT_ARCH_X86_64 || !s.call)
		scene_tell_reason(&s, "made system calls of another architecture");
	else if (s.tid == 0)
		scene_tell_reason(&s, "could not be looked into");
	else
		s.call->tell(&s);
	return s.answer;
}

/* Does waiting for a call end when nobody is left who could make one? Since 6.11; one
 * more, for who counts on it waits forever. */
static bool receiving_ends(void)
{
	struct utsname u;
	unsigned major = 0, minor = 0;
	return uname(&u) == 0 && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 12));
}

/* False when nobody is left. */
static bool await_call(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return false;
	return p.revents & POLLIN;
}

/* False: there was none after all, for the caller has been killed meanwhile, or all
 * have ended. */
static bool receive(int listener)
{
	memset(&heard, 0, sizeof heard);
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &heard.call) == 0;
}

static void respond(int listener, int error)
{
	said.answer = (struct seccomp_notif_resp){
	    .id = heard.call.id, .error = -error, .flags = error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE};
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &said.answer);
}

void supervise(const struct journal *j, int listener)
{
	struct watch w = {.journal = *j, .listener = listener};
	bool ends = receiving_ends();
	/* We and the caller take turns: on one processor that costs half as much. */
	ioctl(listener, SET_FLAGS, WAKE_ON_OUR_PROCESSOR);
	/* To ask first costs a twentieth of a call. */
	for (bool any = false; (any && ends) || await_call(listener);) {
		any = receive(listener);
		if (any)
			respond(listener, tell(&w, &heard.call));
	}
}
