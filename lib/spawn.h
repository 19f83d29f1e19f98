/* Starts the user's command so that it cannot tell dpcache stands behind it. */
#ifndef DPC_SPAWN_H
#define DPC_SPAWN_H

#include "os.h"

#include <signal.h>
#include <sys/types.h>

/* The null device, opened where 0 was: that cannot fail for want of descriptors. */
enum { SPAWN_NO_INPUT = -2 };

struct spawn {
	const char *exe;    /* resolved path */
	char *const *argv;
	char *const *envp;
	int in, out, err;   /* become 0, 1, 2; -1 leaves that one as it is; `in` may be SPAWN_NO_INPUT */
	const struct write_signals *signals; /* as they were when dpcache started */
};

/* What the starter has changed for itself and the command gets back. */
struct spawn_signals {
	sigset_t mask;
	void (*child)(int); /* SIGCHLD's disposition */
};

/* The child dies with us by SIGKILL: were it to live on, the next leader's
 * command would run beside it. *exec_errno is 0, or why the command could not
 * be executed (the child is gone then). -1 with errno when there is no child. */
int spawn_command(pid_t *pid, int *exec_errno, const struct spawn *s, const struct spawn_signals *before);

/* Become the command; returns errno only when that fails. */
int spawn_become(const struct spawn *s);

#endif
