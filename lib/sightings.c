#include "sightings.h"

#include "way.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void sightings_release(struct sightings *s)
{
	pathset_release(&s->paths);
	pathset_release(&s->variables);
	pathset_release(&s->programs);
	pathset_release(&s->executed);
	pathset_release(&s->blind);
	pathset_release(&s->processes);
	pathset_release(&s->touched);
}

/* --- paths --- */

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

static void look(struct pathset_entry *e, uint32_t how)
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
	look(e, SEEN_NO_NAME);
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
 * which is not so any more. */
static void take_away(struct pathset_entry *e)
{
	if (!(e->bits & SEEN_OWN))
		e->bits |= SEEN_SPOILED;
	e->bits |= SEEN_OWN;
}

static void touch_directory(struct sightings *s, const char *path)
{
	char dir[WIRE_PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash == path ? 1 : (size_t)(slash - path);
	memcpy(dir, path, n);
	dir[n] = '\0';
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
		look(e, nofollow ? SEEN_NO_NAME : SEEN_ABSENT);
	else if (error == EACCES || error == EPERM || error == EROFS)
		look(e, SEEN_DENIED);
	else if (error != ENAMETOOLONG && error != EFAULT && error != EBADF)
		look(e, nofollow ? SEEN_LPLACE : SEEN_PLACE);
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
		look(e, how & WIRE_OPEN_NOFOLLOW ? SEEN_LPLACE : SEEN_PLACE);
	else if (how & WIRE_OPEN_READ)
		look(e, SEEN_READ);
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
		look(e, how & WIRE_LOOK_NOFOLLOW ? SEEN_LPLACE : SEEN_PLACE);
	else
		look(e, how & WIRE_LOOK_NOFOLLOW ? SEEN_LSTAT : SEEN_STAT);
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
		look(e, link ? SEEN_LINK : SEEN_LPLACE);
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

static int see_path(struct sightings *s, const struct wire_record *r, dpc_error *err)
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
		look(e, SEEN_READ);
		break;
	case WIRE_HELLO:
		look(e, SEEN_READ | SEEN_PLACE);
		break;
	case WIRE_OPEN:
		see_open(s, e, path, r->detail);
		return r->detail & WIRE_OPEN_DIRECTORY ? see_way(s, path, false) : DPC_OK;
	case WIRE_STAT:
		see_stat(e, r->detail);
		break;
	case WIRE_ACCESS:
		look(e, SEEN_PLACE);
		return see_way(s, path, false);
	case WIRE_LIST:
		look(e, SEEN_LIST);
		break;
	case WIRE_READLINK:
		look(e, SEEN_LINK);
		break;
	case WIRE_REALPATH:
		return see_way(s, path, true);
	case WIRE_MAKE:
		see_made(s, e, r->detail);
		touch_directory(s, path);
		break;
	case WIRE_REMOVE:
		take_away(e);
		touch_directory(s, path);
		break;
	case WIRE_CHANGE:
		change(e);
		break;
	}
	return DPC_OK;
}

/* That it could not be executed takes it back. */
static int see_exec(struct sightings *s, const struct wire_record *r, dpc_error *err)
{
	struct pathset_entry *x = pathset_at(&s->executed, r->path);
	if (!x)
		return DPC_E_MEMORY;
	x->bits = r->kind == WIRE_EXEC;
	if (r->kind == WIRE_EXEC && r->detail != WIRE_EXEC_BLIND)
		return DPC_OK;
	struct pathset_entry *e = pathset_at(&s->blind, r->path);
	if (!e)
		return DPC_E_MEMORY;
	e->bits = r->kind == WIRE_EXEC;
	return r->kind == WIRE_EXEC ? DPC_OK : see_path(s, r, err);
}

/* It may be executed: that is another thing than what is in it. */
static int see_executed(struct sightings *s, const struct pathset_entry *x)
{
	char path[WIRE_PATH_MAX];
	const char *name = pathset_name(&s->executed, x);
	if (!x->bits || *name != '/')
		return DPC_OK;
	sightings_tidy(path, name);
	struct pathset_entry *e = pathset_at(&s->paths, path);
	if (e)
		look(e, SEEN_PLACE);
	return e ? DPC_OK : DPC_E_MEMORY;
}

/* What /proc has in place of a process's directories is another for each. */
static bool is_through_process(const struct wire_record *r)
{
	static const char *const ways[] = {"/proc/self/cwd", "/proc/self/root", "/proc/thread-self/cwd",
	                                   "/proc/thread-self/root"};
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		size_t n = strlen(ways[i]);
		if (strncmp(r->path, ways[i], n) == 0 && r->path[n] == '/')
			return true;
	}
	return false;
}

/* The environment as a file. */
static bool is_environment(const struct wire_record *r)
{
	size_t n = strlen(r->path);
	return strncmp(r->path, "/proc/", 6) == 0 && n > 8 && strcmp(r->path + n - 8, "/environ") == 0;
}

static int see(struct sightings *s, const struct wire_record *r, dpc_error *err)
{
	switch (r->kind) {
	case WIRE_EXEC:
	case WIRE_EXEC_FAILED:
		return see_exec(s, r, err);
	case WIRE_VARIABLE_READ:
		return pathset_at(&s->variables, r->path) ? DPC_OK : DPC_E_MEMORY;
	case WIRE_ENVIRONMENT:
		return pathset_at(&s->programs, r->path) ? DPC_OK : DPC_E_MEMORY;
	case WIRE_UNCACHEABLE:
		return dpc__fail(err, DPC_MISS, "it %s", r->path);
	case WIRE_OPEN:
		if (is_environment(r))
			return pathset_at(&s->programs, r->path) ? DPC_OK : DPC_E_MEMORY;
		if (is_through_process(r))
			return dpc__fail(err, DPC_MISS, "it looked at %s", r->path);
		return see_path(s, r, err);
	default:
		if (is_through_process(r))
			return dpc__fail(err, DPC_MISS, "it looked at %s", r->path);
		return *r->path == '/' ? see_path(s, r, err) : DPC_OK;
	}
}

/* --- the log --- */

/* Are a record's size and its path's end such as its writer must have left them? */
static bool is_sound(const struct wire_record *r, uint32_t size, uint64_t left)
{
	return size >= sizeof *r + 1 && size % WIRE_ALIGN == 0 && size <= left &&
	       memchr(r->path, '\0', size - sizeof *r);
}

/* Some program said nothing. Which, is known of those that were executed so. */
static int refuse_unwatched(const struct sightings *s, dpc_error *err)
{
	for (size_t i = 0; i < s->blind.count; i++)
		if (s->blind.v[i].bits)
			return dpc__fail(err, DPC_MISS, "%s cannot be watched", pathset_name(&s->blind, &s->blind.v[i]));
	return dpc__fail(err, DPC_MISS, "a program that it executed could not be watched");
}

int sightings_suppose(struct sightings *s, const char *path)
{
	struct pathset_entry *e = pathset_at(&s->paths, path);
	if (e)
		look(e, SEEN_READ);
	return e ? DPC_OK : DPC_E_MEMORY;
}

static int see_process(struct sightings *s, uint32_t pid)
{
	char name[32];
	snprintf(name, sizeof name, "/proc/%u", pid);
	return pathset_at(&s->processes, name) ? DPC_OK : DPC_E_MEMORY;
}

bool sightings_is_own_process(const struct sightings *s, const char *path)
{
	char name[32];
	if (strncmp(path, "/proc/", 6) != 0)
		return false;
	size_t n = 6 + strcspn(path + 6, "/");
	if (n >= sizeof name)
		return false;
	memcpy(name, path, n);
	name[n] = '\0';
	return pathset_find(&s->processes, name);
}

int sightings_read(struct sightings *s, const struct wire_head *head, dpc_error *err)
{
	const uint8_t *records = (const uint8_t *)head + WIRE_HEAD;
	uint64_t used = head->used, at = 0;
	uint32_t pid = 0;
	int rc = DPC_OK;
	if (head->lost || used > WIRE_RECORDS)
		return dpc__fail(err, DPC_MISS, "it looked at more than can be recorded");
	while (rc == DPC_OK && at < used) {
		const struct wire_record *r = (const struct wire_record *)(records + at);
		uint32_t size = atomic_load_explicit(&r->size, memory_order_acquire);
		if (!is_sound(r, size, used - at))
			return dpc__fail(err, DPC_MISS, "a process of it was killed while it was being watched");
		rc = see(s, r, err);
		/* Most write many in a row. */
		if (rc == DPC_OK && r->pid != pid)
			rc = see_process(s, pid = r->pid);
		at += size;
	}
	for (size_t i = 0; rc == DPC_OK && i < s->executed.count; i++)
		rc = see_executed(s, &s->executed.v[i]);
	if (rc == DPC_OK && head->execs != head->hellos)
		rc = refuse_unwatched(s, err);
	return rc == DPC_E_MEMORY ? dpc__fail(err, rc, "out of memory") : rc;
}
