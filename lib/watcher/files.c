/* Calls that look at files, or open them. */
#include "watcher/call.h"
#include "watcher/look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

/* statx(2), from linux/stat.h, which is at odds with sys/stat.h. */
enum { ASKS_TIMES_OR_SIZE = 0x20 | 0x40 | 0x80 | 0x200 | 0x400 | 0x800 };

static int flags_of(const struct scene *s)
{
	return s->call->fixed | (s->call->flags == CALL_NONE ? 0 : (int)s->args[s->call->flags]);
}

static int nofollow(int at_flags)
{
	return at_flags & AT_SYMLINK_NOFOLLOW;
}

/* --- opening --- */

static uint32_t open_detail(int flags)
{
	uint32_t detail = flags & O_NOFOLLOW ? WIRE_OPEN_NOFOLLOW : 0;
	if (flags & (O_PATH | O_DIRECTORY))
		return detail | WIRE_OPEN_DIRECTORY;
	if ((flags & O_ACCMODE) != O_WRONLY)
		detail |= WIRE_OPEN_READ;
	/* It truncates what was opened for reading, too. */
	if (flags & (O_ACCMODE | O_TRUNC))
		detail |= WIRE_OPEN_WRITE;
	if (flags & O_TRUNC)
		detail |= WIRE_OPEN_EMPTY;
	if (flags & O_CREAT && flags & O_EXCL)
		detail |= WIRE_OPEN_EXCLUSIVE;
	return detail;
}

static int open_mode(uint32_t detail)
{
	return (detail & WIRE_OPEN_READ ? R_OK : 0) | (detail & WIRE_OPEN_WRITE ? W_OK : 0);
}

/* O_NOFOLLOW refuses a link, O_DIRECTORY all but a directory, and a directory is never
 * written. */
static int look_kind(const struct name *n, int flags)
{
	struct stat st;
	if (fstatat(AT_FDCWD, n->here, &st, flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0) < 0)
		return errno;
	if (S_ISLNK(st.st_mode))
		return ELOOP;
	if (S_ISDIR(st.st_mode))
		return flags & O_DIRECTORY ? 0 : EISDIR;
	return flags & O_DIRECTORY ? ENOTDIR : 0;
}

static int look_open(const struct name *n, int flags, uint32_t detail)
{
	if (flags & O_PATH)
		return look_access(n, F_OK, flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0);
	bool of_a_kind = flags & (O_NOFOLLOW | O_DIRECTORY | O_CREAT) || detail & WIRE_OPEN_WRITE;
	int error = of_a_kind ? look_kind(n, flags) : 0;
	if (error == EISDIR && !(flags & O_CREAT) && !(detail & WIRE_OPEN_WRITE))
		error = 0;
	return error ? error : look_access(n, open_mode(detail), 0);
}

/* O_CREAT makes what is not there; with O_EXCL, only then. */
static int look_create(const struct name *n, int flags, uint32_t *detail)
{
	int error = look_access(n, F_OK, flags & O_EXCL ? AT_SYMLINK_NOFOLLOW : 0);
	if (!error)
		return flags & O_EXCL ? EEXIST : look_open(n, flags, *detail);
	if (error != ENOENT)
		return error;
	error = look_parent(n);
	if (!error)
		*detail |= WIRE_OPEN_CREATED;
	return error;
}

static void tell_opening(const struct scene *s, int flags)
{
	struct name n;
	uint32_t detail = open_detail(flags);
	if (!scene_name(s, &n, s->call->at, s->call->path, false))
		return;
	bool create = flags & O_CREAT && !(flags & (O_PATH | O_DIRECTORY));
	int error = create ? look_create(&n, flags, &detail) : look_open(&n, flags, detail);
	scene_tell(s, WIRE_OPEN, error, detail, &n);
	/* Its metadata are read by the descriptor then, and that is not seen. */
	if (flags & O_PATH)
		scene_tell(s, WIRE_STAT, error, flags & O_NOFOLLOW ? WIRE_LOOK_NOFOLLOW : 0, &n);
}

void tell_open(struct scene *s)
{
	tell_opening(s, flags_of(s));
}

void tell_open_how(struct scene *s)
{
	struct open_how how = {0};
	if (!scene_read(s, &how, s->args[2], sizeof how))
		return;
	/* Where a path may not leave its directory, an absolute one means another. */
	if (how.resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH))
		scene_tell_reason(s, "opened a file below a root of its own");
	tell_opening(s, (int)how.flags);
}

/* --- looking --- */

static void tell_look(const struct scene *s, int flags, uint32_t detail)
{
	struct name n;
	if (!scene_name(s, &n, s->call->at, s->call->path, false))
		return;
	int error = look_access(&n, F_OK, nofollow(flags));
	scene_tell(s, WIRE_STAT, error, detail | (nofollow(flags) ? WIRE_LOOK_NOFOLLOW : 0), &n);
}

void tell_stat(struct scene *s)
{
	tell_look(s, flags_of(s), 0);
}

void tell_statx(struct scene *s)
{
	tell_look(s, flags_of(s), s->args[3] & ASKS_TIMES_OR_SIZE ? 0 : WIRE_LOOK_TYPE);
}

/* `fixed` is the mode of a call that has none as its argument. */
void tell_access(struct scene *s)
{
	struct name n;
	const struct call *c = s->call;
	int mode = c->fixed ? c->fixed : (int)s->args[c->path + 1];
	int flags = c->flags == CALL_NONE ? 0 : nofollow((int)s->args[c->flags]);
	if (scene_name(s, &n, c->at, c->path, false))
		scene_tell(s, WIRE_ACCESS, look_access(&n, mode & (R_OK | W_OK | X_OK), flags), 0, &n);
}

/* Which program one is, everybody knows who executed it. */
void tell_readlink(struct scene *s)
{
	struct name n;
	if (scene_name(s, &n, s->call->at, s->call->path, true) && strcmp(n.path, "/proc/self/exe") != 0)
		scene_tell(s, WIRE_READLINK, look_link(&n), 0, &n);
}

void tell_list(struct scene *s)
{
	struct name n;
	if (scene_descriptor(s, &n, (int)s->args[0]))
		scene_tell(s, WIRE_LIST, 0, 0, &n);
}
