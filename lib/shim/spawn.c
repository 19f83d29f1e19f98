/* Executing programs in a new process. */
#include "find.h"
#include "log.h"
#include "opening.h"
#include "outfit.h"
#include "raw.h"
#include "search.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

typedef posix_spawn_file_actions_t spawn_actions;

/* Somebody has file actions that change the directory: the path that counts is then
 * relative to that one. */
static atomic_bool moves;

static void log_if_moved(const char *path)
{
	if (*path != '/' && atomic_load_explicit(&moves, memory_order_relaxed))
		log_word(WIRE_UNCACHEABLE, "started a program by a path relative to another directory");
}

static int spawn_as(pid_t *pid, const struct outfit *o, const char *path, const spawn_actions *actions,
                    const posix_spawnattr_t *attributes)
{
	pid_t child;
	struct wire_record *record = log_exec(o->fate, AT_FDCWD, path);
	int error = REAL(posix_spawn)(&child, o->path, actions, attributes, o->argv, o->envp);
	if (error) {
		log_exec_failed(error, AT_FDCWD, path);
		return error;
	}
	if (record)
		record->pid = (uint32_t)child;
	if (pid)
		*pid = child;
	return 0;
}

static int spawn(pid_t *pid, const char *path, const spawn_actions *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	struct target t;
	struct outfit o;
	target_look(&t, AT_FDCWD, path);
	log_if_moved(path);
	outfit_choose(&o, &t, path, envp);
	OUTFIT_ROOM(room, &o, argv, envp);
	outfit_make(&o, room, path, argv, envp);
	int error = spawn_as(pid, &o, path, actions, attributes);
	if (outfit_is_too_large(&o, error)) {
		outfit_make(&o, room, path, argv, envp);
		error = spawn_as(pid, &o, path, actions, attributes);
	}
	return error;
}

SHIM int posix_spawn(pid_t *pid, const char *path, const spawn_actions *actions,
                     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	if (!log_on())
		return REAL(posix_spawn)(pid, path, actions, attributes, argv, envp);
	return spawn(pid, path, actions, attributes, argv, envp);
}

SHIM int posix_spawnp(pid_t *pid, const char *name, const spawn_actions *actions,
                      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	char path[SEARCH_MAX];
	struct search s;
	int error = ENOENT;
	bool denied = false;
	if (!log_on())
		return REAL(posix_spawnp)(pid, name, actions, attributes, argv, envp);
	if (!search_begin(&s, name))
		return spawn(pid, name, actions, attributes, argv, envp);
	while (search_next(&s, path)) {
		error = spawn(pid, path, actions, attributes, argv, envp);
		denied |= error == EACCES;
		if (error != EACCES && !search_goes_on(error))
			return error;
	}
	return denied ? EACCES : error;
}

/* What becomes of it shows in the child only: looked at now. */
SHIM int posix_spawn_file_actions_addopen(spawn_actions *actions, int fd, const char *path, int flags,
                                          mode_t mode)
{
	bool fresh = opening_is_fresh(AT_FDCWD, path, flags);
	int error = fresh ? 0 : (int)-raw_access(AT_FDCWD, path, F_OK);
	log_if_moved(path);
	opening_log_error(AT_FDCWD, path, flags, fresh, error);
	return REAL(posix_spawn_file_actions_addopen)(actions, fd, path, flags, mode);
}

SHIM int posix_spawn_file_actions_addchdir_np(spawn_actions *actions, const char *path)
{
	atomic_store_explicit(&moves, true, memory_order_relaxed);
	return REAL(posix_spawn_file_actions_addchdir_np)(actions, path);
}

SHIM int posix_spawn_file_actions_addfchdir_np(spawn_actions *actions, int fd)
{
	atomic_store_explicit(&moves, true, memory_order_relaxed);
	return REAL(posix_spawn_file_actions_addfchdir_np)(actions, fd);
}
