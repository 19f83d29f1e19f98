#include "sighting.h"

#include "hash.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sightings_release(struct sightings *s)
{
	pathset_release(&s->paths);
	pathset_release(&s->variables);
	pathset_release(&s->programs);
	pathset_release(&s->executed);
	pathset_release(&s->blind);
	pathset_release(&s->processes);
	pathset_release(&s->touched);
	way_forget(&s->ways);
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
	return r->kind == WIRE_EXEC ? DPC_OK : sighting_of_path(s, r, err);
}

/* It may be executed: that is another thing than what is in it. */
static int see_executed(struct sightings *s, const struct pathset_entry *x)
{
	char path[WIRE_PATH_MAX];
	const char *name = pathset_name(&s->executed, x);
	if (!x->bits || *name != '/')
		return DPC_OK;
	sightings_tidy(s, path, name);
	return sighting_of_program(s, path, SEEN_PLACE);
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

/* By what it is that a program is known to leave its environment alone, not by what it
 * is called. */
static int see_environment(struct sightings *s, const struct wire_record *r)
{
	char real[PATH_MAX];
	bool given = r->detail == WIRE_EXECUTABLE_GIVEN && realpath(r->path, real);
	return pathset_at(&s->programs, given ? real : r->path) ? DPC_OK : DPC_E_MEMORY;
}

/* The name of an open file is the one that links led to. */
static bool asks_where(const struct wire_record *r)
{
	static const char *const of_files[] = {"/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/"};
	if (r->error || (r->kind != WIRE_READLINK && r->kind != WIRE_REALPATH))
		return false;
	for (size_t i = 0; i < sizeof of_files / sizeof *of_files; i++)
		if (strncmp(r->path, of_files[i], strlen(of_files[i])) == 0)
			return true;
	return strncmp(r->path, "/proc/", 6) == 0 && strstr(r->path + 6, "/fd/");
}

static int see(struct sightings *s, const struct wire_record *r, dpc_error *err)
{
	s->asked_where |= asks_where(r);
	switch (r->kind) {
	case WIRE_EXEC:
	case WIRE_EXEC_FAILED:
		return see_exec(s, r, err);
	case WIRE_VARIABLE_READ:
		return pathset_at(&s->variables, r->path) ? DPC_OK : DPC_E_MEMORY;
	case WIRE_ENVIRONMENT:
		return see_environment(s, r);
	case WIRE_UNCACHEABLE:
		return dpc__fail(err, DPC_MISS, "it %s", r->path);
	case WIRE_OPEN:
		if (is_environment(r))
			return pathset_at(&s->programs, r->path) ? DPC_OK : DPC_E_MEMORY;
		if (is_through_process(r))
			return dpc__fail(err, DPC_MISS, "it looked at %s", r->path);
		return sighting_of_path(s, r, err);
	default:
		if (is_through_process(r))
			return dpc__fail(err, DPC_MISS, "it looked at %s", r->path);
		return *r->path == '/' ? sighting_of_path(s, r, err) : DPC_OK;
	}
}

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
		sighting_look(e, SEEN_READ);
	return e ? DPC_OK : DPC_E_MEMORY;
}

void sightings_name_process(char name[SIGHTINGS_PROCESS], uint32_t pid)
{
	snprintf(name, SIGHTINGS_PROCESS, "/proc/%u", pid);
}

static int see_process(struct sightings *s, uint32_t pid)
{
	char name[SIGHTINGS_PROCESS];
	sightings_name_process(name, pid);
	return pathset_at(&s->processes, name) ? DPC_OK : DPC_E_MEMORY;
}

bool sightings_is_own_process(const struct sightings *s, const char *path)
{
	char name[SIGHTINGS_PROCESS];
	if (strncmp(path, "/proc/", 6) != 0)
		return false;
	size_t n = 6 + strcspn(path + 6, "/");
	if (n >= sizeof name)
		return false;
	memcpy(name, path, n);
	name[n] = '\0';
	return pathset_find(&s->processes, name);
}

/* Many processes of a run look at the same files. */
enum { REPEATED = 1024 };

static bool is_repeated(const struct wire_record *known[REPEATED], const struct wire_record *r)
{
	if (!wire_only_looks(r->kind, r->detail))
		return false;
	const struct wire_record **slot = &known[(hash64(r->path, strlen(r->path)) ^ r->kind) % REPEATED];
	const struct wire_record *k = *slot;
	*slot = r;
	return k && k->kind == r->kind && k->error == r->error && k->detail == r->detail &&
	       strcmp(k->path, r->path) == 0;
}

int sightings_read(struct sightings *s, const struct wire_head *head, dpc_error *err)
{
	const uint8_t *records = (const uint8_t *)head + WIRE_HEAD;
	const struct wire_record *known[REPEATED] = {NULL};
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
		/* Most write many in a row. */
		if (r->pid != pid)
			rc = see_process(s, pid = r->pid);
		if (rc == DPC_OK && (s->own_links || !is_repeated(known, r)))
			rc = see(s, r, err);
		at += size;
	}
	for (size_t i = 0; rc == DPC_OK && i < s->executed.count; i++)
		rc = see_executed(s, &s->executed.v[i]);
	for (size_t i = 0, opened = s->paths.count; rc == DPC_OK && s->asked_where && i < opened; i++)
		rc = sighting_of_opened(s, i);
	if (rc == DPC_OK && head->execs != head->hellos)
		rc = refuse_unwatched(s, err);
	return rc == DPC_E_MEMORY ? dpc__fail(err, rc, "out of memory") : rc;
}
