#include "watcher/supervise.h"

#include "watcher/call.h"
#include "watcher/scene.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
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

static int tell(struct watch *w, const struct seccomp_notif *c)
{
	const uint64_t *args = (const uint64_t *)c->data.args;
	struct scene s = {.watch = w, .args = args, .id = c->id, .tid = (pid_t)c->pid};
	if (w->elsewhere)
		return 0;
	s.pid = scene_process(s.tid);
	s.call = call_find(c->data.nr);
	if (c->data.arch != AUDIT_ARCH_X86_64 || !s.call)
		scene_tell_reason(&s, "made system calls of another architecture");
	else if (s.tid == 0)
		scene_tell_reason(&s, "could not be looked into");
	else
		s.call->tell(&s);
	return s.answer;
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

void supervise(const struct journal *j, int listener)
{
	struct watch w = {.journal = *j, .listener = listener};
	/* We and the caller take turns: on one processor that costs half as much. */
	ioctl(listener, SET_FLAGS, WAKE_ON_OUR_PROCESSOR);
	while (await_call(listener)) {
		memset(&heard, 0, sizeof heard);
		/* Nothing, if the caller has been killed meanwhile. */
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &heard.call) < 0)
			continue;
		int error = tell(&w, &heard.call);
		memset(&said, 0, sizeof said);
		said.answer.id = heard.call.id;
		said.answer.error = -error;
		said.answer.flags = error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &said.answer);
	}
}
