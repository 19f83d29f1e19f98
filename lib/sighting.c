/* What one record of the log tells of its path. */
#include "sighting.h"

#include "way.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_link(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* One step up: textually, where what is left was no link to elsewhere. */
static size_t go_up(char *out, size_t size)
{
	out[size] = '\0';
	if (size && is_link(out)) {
		memcpy(out + size, "/..", 3);
		return size + 3;
	}
	while (size && out[size - 1] != '/')
		size--;
	return size ? size - 1 : 0;
}

void sightings_tidy(char *out, const char *path)
{
	size_t size = 0;
	while (*path) {
		path += strspn(path, "/");
		size_t n = strcspn(path, "/");
		if (n == 2 && memcmp(path, "..", 2) == 0) {
			size = go_up(out, size);
		} else if (n && !(n == 1 && *path == '.') && size + n + 4 < WIRE_PATH_MAX) {
			out[size++] = '/';
			memcpy(out + size, path, n);
			size += n;
		}
		path += n;
	}
	if (!size)
		out[size++] = '/';
	out[size] = '\0';
}

/* --- one record's meaning --- */

void sighting_look(struct pathset_entry *e, uint32_t how)
{
	if (e->bits & SEEN_FRESH)
		e->bits |= SEEN_NO_NAME;
	if (e->bits & SEEN_OWN)
		return;
	e->bits |= how;
	if (e->bits & SEEN_CHANGED)
		e->bits |= SEEN_SPOILED;
}

/* The path gets new content, or none: nothing of what was there is left. */
static void replace(struct pathset_entry *e)
{
	if (e->bits & (SEEN_LOOKS & ~(SEEN_ABSENT | SEEN_NO_NAME)))
		e->bits |= SEEN_SPOILED;
	e->bits |= SEEN_OWN;
}

/* That this went well shows that nothing was there. */
static void make_new(struct pathset_entry *e)
{
	sighting_look(e, SEEN_NO_NAME);
	replace(e);
}

/* It is changed, and something of what was there remains. */
static void change(struct pathset_entry *e)
{
	if (e->bits & SEEN_OWN)
		return;
	e->bits |= SEEN_CHANGED;
	if (e->bits & SEEN_LOOKS)
		e->bits |= SEEN_SPOILED;
}

/* A name is taken away that the run had not made: it depends on its having been there,
 * which is not so any more. Where it was moved, what is made of it has its content. */
static void take_away(struct pathset_entry *e, uint32_t how)
{
	if (!(e->bits & SEEN_OWN))
		e->bits |= SEEN_SPOILED | (how == WIRE_REMOVE_MOVED ? SEEN_READ : 0);
	e->bits |= SEEN_OWN;
}

static void touch_directory(struct sightings *s, const char *path)
{
	char dir[WIRE_PATH_MAX];
	way_parent(dir, path);
	pathset_at(&s->touched, dir);
}

/* An error that has nothing to do with what lies there. */
static bool is_passing(int error)
{
	return error == EINTR || error == EMFILE || error == ENFILE || error == ENOMEM || error == EIO ||
	       error == EAGAIN || error == ENOSPC || error == EDQUOT;
}

/* What a call that failed has seen: nothing there, or something for which its
 * metadata stand. */
static int look_in_vain(struct pathset_entry *e, const char *path, int error, bool nofollow, dpc_error *err)
{
	if (is_passing(error))
		return dpc__fail(err, DPC_MISS, "%s: it could not look there: %s", path, strerror(error));
	if (error == ENOENT || error == ENOTDIR)
		sighting_look(e, nofollow ? SEEN_NO_NAME : SEEN_ABSENT);
	else if (error == EACCES || error == EPERM || error == EROFS)
		sighting_look(e, SEEN_DENIED);
	else if (error != ENAMETOOLONG && error != EFAULT && error != EBADF)
		sighting_look(e, nofollow ? SEEN_LPLACE : SEEN_PLACE);
	return DPC_OK;
}

static void see_open(struct sightings *s, struct pathset_entry *e, const char *path, uint32_t how)
{
	if (how & (WIRE_OPEN_CREATED | WIRE_OPEN_EMPTY)) {
		bool was_own = e->bits & SEEN_OWN;
		if (how & WIRE_OPEN_EXCLUSIVE)
			make_new(e);
		else
			replace(e);
		/* What is emptied anyhow may have been there or not. */
		if (!(how & WIRE_OPEN_EMPTY) && !was_own)
			e->bits |= SEEN_FRESH;
		touch_directory(s, path);
		return;
	}
	if (how & WIRE_OPEN_DIRECTORY)
		sighting_look(e, how & WIRE_OPEN_NOFOLLOW ? SEEN_LPLACE : SEEN_PLACE);
	else if (how & WIRE_OPEN_READ)
		sighting_look(e, SEEN_READ);
	if (how & WIRE_OPEN_WRITE && !(e->bits & SEEN_OWN))
		e->bits |= SEEN_WRITABLE;
}

static bool looks_at_link(const struct wire_record *r)
{
	switch (r->kind) {
	case WIRE_OPEN:
		return r->detail & WIRE_OPEN_NOFOLLOW;
	case WIRE_STAT:
		return r->detail & WIRE_LOOK_NOFOLLOW;
	case WIRE_READLINK:
	case WIRE_MAKE:
	case WIRE_REMOVE:
		return true;
	default:
		return false;
	}
}

static void see_stat(struct pathset_entry *e, uint32_t how)
{
	if (how & WIRE_LOOK_TYPE)
		sighting_look(e, how & WIRE_LOOK_NOFOLLOW ? SEEN_LPLACE : SEEN_PLACE);
	else
		sighting_look(e, how & WIRE_LOOK_NOFOLLOW ? SEEN_LSTAT : SEEN_STAT);
}

struct ways {
	struct sightings *s;
	bool all; /* parts that are no links, too */
};

static int see_part(void *context, const char *part, const struct stat *st)
{
	struct ways *w = context;
	bool link = S_ISLNK(st->st_mode);
	if (!link && !w->all)
		return DPC_OK;
	struct pathset_entry *e = pathset_at(&w->s->paths, part);
	if (e)
		sighting_look(e, link ? SEEN_LINK : SEEN_LPLACE);
	return e ? DPC_OK : DPC_E_MEMORY;
}

/* Where a directory is entered, or a name resolved, the program may go on by where
 * that led: then the links are inputs by themselves. */
static int see_way(struct sightings *s, const char *path, bool all)
{
	struct ways w = {s, all};
	return way_walk(path, see_part, &w);
}

static void see_made(struct sightings *s, struct pathset_entry *e, uint32_t how)
{
	e->bits &= ~(uint32_t)SEEN_OWN_LINK;
	if (how == WIRE_MAKE_OVER)
		replace(e);
	else
		make_new(e);
	if (how == WIRE_MAKE_LINK) {
		e->bits |= SEEN_OWN_LINK;
		s->own_links = true;
	}
}

/* What lies behind a link of its own is not its own. */
static bool follows_own_link(const struct sightings *s, const char *path, const struct wire_record *r)
{
	char part[WIRE_PATH_MAX];
	bool itself = r->kind == WIRE_OPEN || r->kind == WIRE_LIST || r->kind == WIRE_ACCESS ||
	              (r->kind == WIRE_STAT && !(r->detail & WIRE_LOOK_NOFOLLOW));
	for (const char *at = strchr(path + 1, '/');; at = strchr(at + 1, '/')) {
		size_t n = at ? (size_t)(at - path) : strlen(path);
		if (!at && !itself)
			return false;
		memcpy(part, path, n);
		part[n] = '\0';
		const struct pathset_entry *e = pathset_find(&s->paths, part);
		if (e && e->bits & SEEN_OWN_LINK)
			return true;
		if (!at)
			return false;
	}
}

int sighting_of_path(struct sightings *s, const struct wire_record *r, dpc_error *err)
{
	char path[WIRE_PATH_MAX];
	sightings_tidy(path, r->path);
	if (s->own_links && follows_own_link(s, path, r))
		return dpc__fail(err, DPC_MISS, "%s leads through a link that it made itself", path);
	struct pathset_entry *e = pathset_at(&s->paths, path);
	if (!e)
		return DPC_E_MEMORY;
	if (r->error)
		return look_in_vain(e, path, r->error, looks_at_link(r), err);
	switch (r->kind) {
	case WIRE_LIBRARY:
		s->dynamic = true;
		sighting_look(e, SEEN_READ);
		break;
	case WIRE_HELLO:
		sighting_look(e, SEEN_READ | SEEN_PLACE);
		break;
	case WIRE_OPEN:
		see_open(s, e, path, r->detail);
		return r->detail & WIRE_OPEN_DIRECTORY ? see_way(s, path, false) : DPC_OK;
	case WIRE_STAT:
		see_stat(e, r->detail);
		break;
	case WIRE_ACCESS:
		sighting_look(e, SEEN_PLACE);
		return see_way(s, path, false);
	case WIRE_LIST:
		sighting_look(e, SEEN_LIST);
		break;
	case WIRE_READLINK:
		sighting_look(e, SEEN_LINK);
		break;
	case WIRE_REALPATH:
		return see_way(s, path, true);
	case WIRE_MAKE:
		see_made(s, e, r->detail);
		touch_directory(s, path);
		break;
	case WIRE_REMOVE:
		take_away(e, r->detail);
		touch_directory(s, path);
		break;
	case WIRE_CHANGE:
		change(e);
		break;
	}
	return DPC_OK;
}
