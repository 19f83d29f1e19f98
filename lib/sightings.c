#include "sightings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void sightings_release(struct sightings *s)
{
	pathset_release(&s->paths);
	pathset_release(&s->variables);
	pathset_release(&s->programs);
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
	else if (error != ENAMETOOLONG && error != EFAULT && error != EBADF)
		look(e, nofollow ? SEEN_LPLACE : SEEN_PLACE);
	return DPC_OK;
}

static void see_open(struct sightings *s, struct pathset_entry *e, const char *path, uint32_t how)
{
	if (how & (WIRE_OPEN_CREATED | WIRE_OPEN_EMPTY)) {
		replace(e);
		touch_directory(s, path);
		return;
	}
	if (how & WIRE_OPEN_DIRECTORY)
		look(e, how & WIRE_OPEN_NOFOLLOW ? SEEN_LPLACE : SEEN_PLACE);
	else if (how & WIRE_OPEN_READ)
		look(e, SEEN_READ);
	if (how & WIRE_OPEN_WRITE)
		change(e);
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

/* Each part of it may have been a link. */
static void see_resolved(struct sightings *s, const char *path)
{
	char part[WIRE_PATH_MAX];
	struct stat st;
	for (const char *at = strchr(path + 1, '/');; at = strchr(at + 1, '/')) {
		size_t n = at ? (size_t)(at - path) : strlen(path);
		memcpy(part, path, n);
		part[n] = '\0';
		struct pathset_entry *e = pathset_at(&s->paths, part);
		if (e)
			look(e, lstat(part, &st) == 0 && S_ISLNK(st.st_mode) ? SEEN_LINK : SEEN_LPLACE);
		if (!at)
			return;
	}
}

static int see_path(struct sightings *s, const struct wire_record *r, dpc_error *err)
{
	char path[WIRE_PATH_MAX];
	sightings_tidy(path, r->path);
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
		look(e, SEEN_READ);
		break;
	case WIRE_OPEN:
		see_open(s, e, path, r->detail);
		break;
	case WIRE_STAT:
		see_stat(e, r->detail);
		break;
	case WIRE_ACCESS:
		look(e, SEEN_PLACE);
		break;
	case WIRE_LIST:
		look(e, SEEN_LIST);
		break;
	case WIRE_READLINK:
		look(e, SEEN_LINK);
		break;
	case WIRE_REALPATH:
		see_resolved(s, path);
		break;
	case WIRE_MAKE:
		replace(e);
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
	if (r->kind == WIRE_EXEC && r->detail != WIRE_EXEC_BLIND)
		return DPC_OK;
	struct pathset_entry *e = pathset_at(&s->blind, r->path);
	if (!e)
		return DPC_E_MEMORY;
	e->bits = r->kind == WIRE_EXEC;
	return r->kind == WIRE_EXEC ? DPC_OK : see_path(s, r, err);
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
		return see_path(s, r, err);
	default:
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
	if (rc == DPC_OK && head->execs != head->hellos)
		rc = refuse_unwatched(s, err);
	return rc == DPC_E_MEMORY ? dpc__fail(err, rc, "out of memory") : rc;
}
