#include "way.h"

#include "dpcache.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void way_forget(struct way_memory *m)
{
	pathset_release(&m->parts);
	free(m->st);
	*m = (struct way_memory){0};
}

static int look(const char *path, struct stat *st)
{
	return lstat(path, st) < 0 ? errno : 0;
}

/* Room for one more; false: there is none. */
static bool make_room(struct way_memory *m)
{
	if (m->parts.count < m->room)
		return true;
	size_t room = m->room ? 2 * m->room : 256;
	struct stat *larger = realloc(m->st, room * sizeof *larger);
	if (!larger)
		return false;
	m->st = larger;
	m->room = room;
	return true;
}

int way_look(struct way_memory *m, const char *path, struct stat *st)
{
	size_t count = m->parts.count;
	struct pathset_entry *e = make_room(m) ? pathset_at(&m->parts, path) : NULL;
	if (!e)
		return look(path, st);
	struct stat *known = &m->st[e - m->parts.v];
	if (m->parts.count > count)
		e->bits = (uint32_t)look(path, known);
	*st = *known;
	return (int)e->bits;
}

void way_parent(char *out, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == path ? 1 : (size_t)(slash - path);
	memcpy(out, path, n);
	out[n] = '\0';
}

enum { LINKS = 40 }; /* as the kernel follows them */

struct way {
	char done[PATH_MAX];     /* what has been walked; "": the root */
	char rest[2 * PATH_MAX]; /* what is yet to be */
};

/* The next part off the rest, into `part`; false at the end. */
static bool take(struct way *w, char part[NAME_MAX + 1])
{
	char *next = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(next, "/");
	if (!n || n > NAME_MAX)
		return false;
	memcpy(part, next, n);
	part[n] = '\0';
	memmove(w->rest, next + n, strlen(next + n) + 1);
	return true;
}

static void go_up(struct way *w)
{
	char *slash = strrchr(w->done, '/');
	if (slash)
		*slash = '\0';
}

static bool enter(struct way *w, const char *part)
{
	size_t size = strlen(w->done), n = strlen(part);
	if (size + n + 2 > sizeof w->done)
		return false;
	w->done[size] = '/';
	memcpy(w->done + size + 1, part, n + 1);
	return true;
}

/* What a link leads to comes before the rest. */
static bool follow(struct way *w)
{
	char target[PATH_MAX];
	ssize_t n = readlink(w->done, target, sizeof target - 1);
	size_t left = strlen(w->rest);
	if (n <= 0 || (size_t)n + left + 2 > sizeof w->rest)
		return false;
	memmove(w->rest + n + 1, w->rest, left + 1);
	memcpy(w->rest, target, (size_t)n);
	w->rest[n] = '/';
	if (*target == '/')
		w->done[0] = '\0';
	else
		go_up(w);
	return true;
}

int way_walk(struct way_memory *m, const char *path, way_part_fn *see, void *context)
{
	struct way w = {.done = ""};
	char part[NAME_MAX + 1];
	struct stat st;
	int rc = DPC_OK, links = 0;
	if (strlen(path) >= sizeof w.rest)
		return DPC_OK;
	strcpy(w.rest, path);
	while (rc == DPC_OK && take(&w, part)) {
		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			go_up(&w);
			continue;
		}
		if (!enter(&w, part) || way_look(m, w.done, &st) != 0)
			return DPC_OK;
		rc = see(context, w.done, &st);
		if (S_ISLNK(st.st_mode) && (++links > LINKS || !follow(&w)))
			return rc;
	}
	return rc;
}
