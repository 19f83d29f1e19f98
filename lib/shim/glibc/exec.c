/* execveat(2). */
#include "find.h"
#include "log.h"
#include "outfit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int exec_at(const struct outfit *o, int dir, int flags)
{
	log_exec(o->fate, dir, o->path);
	int rc = REAL(execveat)(dir, o->path, o->argv, o->envp, flags);
	log_exec_failed(errno, dir, o->path);
	return rc;
}

/* Like fexecve where it names a descriptor alone, like execve where it names none. */
SHIM int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	struct target t;
	struct outfit o;
	if (!log_on())
		return REAL(execveat)(dir, path, argv, envp, flags);
	if (flags == 0 && dir == AT_FDCWD)
		return execve(path, argv, envp);
	if (flags == AT_EMPTY_PATH && !*path)
		return fexecve(dir, argv, envp);
	target_look(&t, dir, path);
	outfit_choose(&o, &t, NULL, envp);
	OUTFIT_ROOM(room, &o, argv, envp);
	outfit_make(&o, room, path, argv, envp);
	int rc = exec_at(&o, dir, flags);
	if (outfit_is_too_large(&o, errno)) {
		outfit_make(&o, room, path, argv, envp);
		rc = exec_at(&o, dir, flags);
	}
	return rc;
}
