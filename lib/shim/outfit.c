#include "outfit.h"

#include "elfile.h"
#include "log.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static bool out_of_reach;

void outfit_none(void)
{
	out_of_reach = true;
}

/* The watcher in its place must not succeed where the target would have failed. */
static bool may_be_executed(const char *path)
{
	return raw_access(AT_FDCWD, path, X_OK) == 0;
}

static size_t count(char *const list[])
{
	size_t n = 0;
	while (list && list[n])
		n++;
	return n;
}

/* The user's own LD_PRELOAD: its place in the list, or -1. The dynamic linker takes
 * the last there is. */
static long find_preload(char *const envp[])
{
	long found = -1;
	for (long i = 0; envp && envp[i]; i++)
		if (strncmp(envp[i], "LD_PRELOAD=", 11) == 0)
			found = i;
	return found;
}

/* A sanitizer's runtime that the user preloads wants to be the first in a process, as
 * one that is linked does; and who asks for a list of the libraries wants only his own. */
static bool is_ours_to_disturb(char *const envp[])
{
	long own = find_preload(envp);
	if (own >= 0 && elfile_names_sanitizer(envp[own]))
		return false;
	for (size_t i = 0; envp && envp[i]; i++)
		if (strncmp(envp[i], "LD_TRACE_LOADED_OBJECTS=", 24) == 0)
			return false;
	return true;
}

/* Names there are of each process, or descriptors. */
static bool is_anothers_there(const char *path)
{
	while (path[0] == '/' && path[1] == '/')
		path++;
	return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/dev/", 5) == 0;
}

void outfit_choose(struct outfit *o, const struct target *t, const char *path, char *const envp[])
{
	bool alone = t->kind == TARGET_ALONE;
	o->preload = t->kind == TARGET_MUSL ? log_head->shim_musl : log_head->shim;
	o->as_executed = path && !t->script && !is_anothers_there(path);
	o->fate = WIRE_EXEC_BLIND;
	if (out_of_reach)
		return;
	if (t->kind == TARGET_GLIBC || t->kind == TARGET_MUSL) {
		o->fate = WIRE_EXEC_SHIM;
		alone = !*o->preload || !is_ours_to_disturb(envp);
		if (alone)
			o->fate = WIRE_EXEC_BLIND;
	}
	if (alone)
		o->fate = *log_head->watcher && path && may_be_executed(path) ? WIRE_EXEC_WATCHER : WIRE_EXEC_BLIND;
}

size_t outfit_size(const struct outfit *o, char *const argv[], char *const envp[])
{
	if (o->fate == WIRE_EXEC_BLIND)
		return 0;
	if (o->fate == WIRE_EXEC_WATCHER)
		return (count(argv) + 4) * sizeof(char *);
	long own = find_preload(envp);
	size_t strings =
	    sizeof WIRE_VARIABLE "==" + strlen(log_name()) + sizeof "LD_PRELOAD=:" + strlen(o->preload);
	return (count(envp) + 3) * sizeof(char *) + strings + (own < 0 ? 0 : strlen(envp[own]));
}

static char *put(char *end, const char *text)
{
	size_t size = strlen(text);
	memcpy(end, text, size + 1);
	return end + size;
}

static void add_variables(struct outfit *o, char **list, char *const envp[])
{
	size_t n = count(envp);
	long own = find_preload(envp);
	char *text = (char *)(list + n + 3);
	for (size_t i = 0; i < n; i++)
		list[i] = envp[i];
	list[own < 0 ? n++ : (size_t)own] = text;
	text = put(put(text, "LD_PRELOAD="), o->preload);
	if (own >= 0)
		text = put(put(text, ":"), envp[own] + 11);
	list[n++] = text + 1;
	text = put(text + 1, WIRE_VARIABLE "=");
	if (o->as_executed)
		*text++ = WIRE_AS_EXECUTED;
	put(text, log_name());
	list[n] = NULL;
	o->envp = list;
}

static void put_watcher_first(struct outfit *o, char **list, const char *path, char *const argv[])
{
	list[0] = log_head->watcher;
	list[1] = (char *)log_name();
	list[2] = (char *)path;
	for (size_t i = 0; i <= count(argv); i++)
		list[3 + i] = argv ? argv[i] : NULL;
	o->path = log_head->watcher;
	o->argv = list;
}

void outfit_make(struct outfit *o, void *room, const char *path, char *const argv[], char *const envp[])
{
	o->path = path;
	o->argv = argv;
	o->envp = envp;
	if (o->fate == WIRE_EXEC_SHIM)
		add_variables(o, room, envp);
	else if (o->fate == WIRE_EXEC_WATCHER)
		put_watcher_first(o, room, path, argv);
}

bool outfit_is_too_large(struct outfit *o, int error)
{
	if (error != E2BIG || o->fate == WIRE_EXEC_BLIND)
		return false;
	o->fate = WIRE_EXEC_BLIND;
	return true;
}
