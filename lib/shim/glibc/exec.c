/* execveat(2). */
#include "find.h"
#include "log.h"
#include "outfit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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
	log_exec(o.fate, dir, path);
	int rc = REAL(execveat)(dir, path, o.argv, o.envp, flags);
	log_exec_failed(errno, dir, path);
	return rc;
}
