/* What one record of the log tells of its path. */
#include "sighting.h"

#include "way.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Its own may be gone by now. */
static bool is_link(struct sightings *s, const char *path)
{
	struct stat st;
	const struct pathset_entry *e = s->own_links ? pathset_find(&s->paths, path) : NULL;
	return (e && e->bits & SEEN_OWN_LINK) || (way_look(&s->ways, path, &st) == 0 && S_ISLNK(st.st_mode));
}

/* One step up: textually, where what is left was no link to elsewhere. */
static size_t go_up(struct sightings *s, char *out, size_t size)
{
	bool elsewhere = size >= 3 && memcmp(out + size - 3, "/..", 3) == 0;
	out[size] = '\0';
	if (elsewhere || (size && is_link(s, out))) {
		memcpy(out + size, "/..", 3);
		return size + 3;
	}
	while (size && out[size - 1] != '/')
		size--;
	return size ? size - 1 : 0;
}

void sightings_tidy(struct sightings *s, char *out, const char *path)
{
	size_t size = 0;
	while (*path) {
		path += strspn(path, "/");
		size_t n = strcspn(path, "/");
		if (n == 2 && memcmp(path, "..", 2) == 0) {
			size = go_up(s, out, size);
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
	return way_walk(&s->ways, path, see_part, &w);
}

/* Opened like a file, too, a directory may be entered. */
static bool is_directory(struct sightings *s, const char *path)
{
	struct stat st;
	if (way_look(&s->ways, path, &st) != 0 || (S_ISLNK(st.st_mode) && stat(path, &st) < 0))
		return false;
	return S_ISDIR(st.st_mode);
}

/* A program asks the kernel where it lies, and takes from there what belongs to it. */
int sighting_of_program(struct sightings *s, const char *path, uint32_t how)
{
	struct pathset_entry *e = pathset_at(&s->paths, path);
	if (!e)
		return DPC_E_MEMORY;
	sighting_look(e, how);
	return see_way(s, path, false);
}

int sighting_of_opened(struct sightings *s, size_t i)
{
	char path[WIRE_PATH_MAX];
	/* A copy: the names move when there are more. */
	strcpy(path, pathset_name(&s->paths, &s->paths.v[i]));
	return see_way(s, path, false);
}

/* What takes another name is what the process took the old one from: of which names
 * that was, need not be known for each, as few programs move links at all. */
static bool has_moved_link(const struct sightings *s, uint32_t pid)
{
	char name[SIGHTINGS_PROCESS];
	sightings_name_process(name, pid);
	const struct pathset_entry *e = pathset_find(&s->processes, name);
	return e && e->bits;
}

/* rename(2); or link(2), which says that it has read what it did not follow. */
static bool gives_other_name(const struct wire_record *r)
{
	return r->kind == WIRE_REMOVE
	           ? r->detail == WIRE_REMOVE_MOVED
	           : r->kind == WIRE_OPEN && r->detail == (WIRE_OPEN_READ | WIRE_OPEN_NOFOLLOW);
}

static void note_moved_link(struct sightings *s, uint32_t pid)
{
	char name[SIGHTINGS_PROCESS];
	sightings_name_process(name, pid);
	struct pathset_entry *e = pathset_at(&s->processes, name);
	if (e)
		e->bits = 1;
}

static void see_made(struct sightings *s, struct pathset_entry *e, const struct wire_record *r)
{
	bool was_link = e->bits & SEEN_OWN_LINK;
	e->bits &= ~(uint32_t)SEEN_OWN_LINK;
	if (r->detail == WIRE_MAKE_OVER)
		replace(e);
	else
		make_new(e);
	if (r->detail == WIRE_MAKE_LINK || has_moved_link(s, r->pid)) {
		e->bits |= SEEN_OWN_LINK;
		s->own_links = true;
		s->own_links_turned |= was_link;
	}
}

/* Does the record tell of what the path leads to, where it is a link? */
static bool is_followed(const struct wire_record *r)
{
	return r->kind == WIRE_OPEN || r->kind == WIRE_LIST || r->kind == WIRE_ACCESS || r->kind == WIRE_HELLO ||
	       r->kind == WIRE_LIBRARY || (r->kind == WIRE_STAT && !(r->detail & WIRE_LOOK_NOFOLLOW));
}

/* What lies behind a link of its own is not its own. */
static bool follows_own_link(const struct sightings *s, const char *path, const struct wire_record *r)
{
	char part[WIRE_PATH_MAX];
	bool itself = is_followed(r);
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

/* But a program, or a library, that the run has made may well be used by such a link. */
static bool leads_to_own(const struct sightings *s, const char *path)
{
	char real[PATH_MAX];
	if (s->own_links_turned || !realpath(path, real))
		return false;
	const struct pathset_entry *e = pathset_find(&s->paths, real);
	return e && e->bits & SEEN_OWN;
}

int sighting_of_path(struct sightings *s, const struct wire_record *r, dpc_error *err)
{
	char path[WIRE_PATH_MAX];
	sightings_tidy(s, path, r->path);
	if (r->kind == WIRE_HELLO && strncmp(path, "/proc/", 6) == 0)
		return dpc__fail(err, DPC_MISS, "it executed %s", path);
	if (s->own_links && follows_own_link(s, path, r)) {
		if ((r->kind == WIRE_HELLO || r->kind == WIRE_LIBRARY) && leads_to_own(s, path))
			return DPC_OK;
		return dpc__fail(err, DPC_MISS, "%s leads through a link that it made itself", path);
	}
	struct pathset_entry *e = pathset_at(&s->paths, path);
	if (!e)
		return DPC_E_MEMORY;
	if (r->error)
		return look_in_vain(e, path, r->error, looks_at_link(r), err);
	if (e->bits & SEEN_OWN_LINK && gives_other_name(r))
		note_moved_link(s, r->pid);
	switch (r->kind) {
	case WIRE_LIBRARY:
		s->dynamic = true;
		sighting_look(e, SEEN_READ);
		break;
	case WIRE_HELLO:
		return sighting_of_program(s, path, SEEN_READ | SEEN_PLACE);
	case WIRE_OPEN:
		see_open(s, e, path, r->detail);
		if (r->detail & WIRE_OPEN_DIRECTORY || (r->detail & WIRE_OPEN_READ && is_directory(s, path)))
			return see_way(s, path, false);
		break;
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
		see_made(s, e, r);
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
