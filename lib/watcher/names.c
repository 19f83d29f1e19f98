/* Calls that make names, take them away, or change what they stand for. */
#include "watcher/call.h"
#include "watcher/look.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <unistd.h>

static unsigned flags_of(const struct scene *s)
{
	return (unsigned)s->call->fixed | (s->call->flags == CALL_NONE ? 0 : (unsigned)s->args[s->call->flags]);
}

void tell_make(struct scene *s)
{
	struct name n;
	if (scene_name(s, &n, s->call->at, s->call->path, false))
		scene_tell(s, WIRE_MAKE, look_make(&n), (uint32_t)s->call->fixed, &n);
}

void tell_remove(struct scene *s)
{
	struct name n;
	if (scene_name(s, &n, s->call->at, s->call->path, false))
		scene_tell(s, WIRE_REMOVE, look_remove(&n, flags_of(s) & AT_REMOVEDIR), 0, &n);
}

static bool take_both(const struct scene *s, struct name *from, struct name *to)
{
	const struct call *c = s->call;
	return scene_name(s, from, c->at, c->path, true) && scene_name(s, to, c->at2, c->path2, false);
}

void tell_rename(struct scene *s)
{
	struct name from, to;
	unsigned flags = flags_of(s);
	if (!take_both(s, &from, &to))
		return;
	int error = look_rename(&from, &to, flags);
	scene_tell(s, WIRE_REMOVE, error, WIRE_REMOVE_MOVED, &from);
	if (flags & RENAME_EXCHANGE)
		scene_tell(s, WIRE_REMOVE, error, WIRE_REMOVE_MOVED, &to);
	scene_tell(s, WIRE_MAKE, error, WIRE_MAKE_OVER, &to);
	if (flags & RENAME_EXCHANGE)
		scene_tell(s, WIRE_MAKE, error, WIRE_MAKE_OVER, &from);
}

/* What is read by the new name is the old one's content. */
void tell_link(struct scene *s)
{
	struct name from, to;
	if (!take_both(s, &from, &to))
		return;
	int error = look_hard_link(&from, &to);
	scene_tell(s, WIRE_OPEN, look_access(&from, F_OK, AT_SYMLINK_NOFOLLOW),
	           WIRE_OPEN_READ | WIRE_OPEN_NOFOLLOW, &from);
	scene_tell(s, WIRE_MAKE, error, 0, &to);
}

static void tell_changed(const struct scene *s, const struct name *n)
{
	int nofollow = (int)flags_of(s) & AT_SYMLINK_NOFOLLOW;
	scene_tell(s, WIRE_CHANGE, look_access(n, F_OK, nofollow), 0, n);
}

/* Without a path, utimensat(2) means the descriptor itself. */
void tell_change(struct scene *s)
{
	struct name n;
	const struct call *c = s->call;
	bool named = s->args[c->path] != 0;
	if (named ? scene_name(s, &n, c->at, c->path, true)
	          : c->at != CALL_CWD && scene_descriptor(s, &n, (int)s->args[c->at]))
		tell_changed(s, &n);
}

void tell_change_open(struct scene *s)
{
	struct name n;
	if (scene_descriptor(s, &n, (int)s->args[0]))
		tell_changed(s, &n);
}
