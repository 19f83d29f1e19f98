/* Executing. What is executed goes on under our eyes. */
#include "watcher/call.h"
#include "watcher/look.h"
#include "watcher/peek.h"
#include "watcher/program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int look_exec(const struct name *n)
{
	struct stat st;
	int error = look_access(n, X_OK, 0);
	if (!error && stat(n->here, &st) == 0 && !S_ISREG(st.st_mode))
		error = EACCES;
	return error;
}

static bool is_preload_of(const char *variable, const struct wire_head *head)
{
	static const char name[] = "LD_PRELOAD=";
	return strncmp(variable, name, sizeof name - 1) == 0 &&
	       ((head->shim[0] && strstr(variable, head->shim)) ||
	        (head->shim_musl[0] && strstr(variable, head->shim_musl)));
}

/* Does the shim go with it? Then that tells which variables are looked up. */
static bool takes_shim(const struct scene *s, const struct program *p)
{
	const struct wire_head *head = s->watch->journal.head;
	char variable[PROGRAM_PATH];
	uint64_t at = s->args[s->call->fixed], pointer;
	if (!head->strict || !p->loader[0] || !at)
		return false;
	for (; scene_read(s, &pointer, at, sizeof pointer) && pointer; at += sizeof pointer)
		if (scene_read_string(s, variable, sizeof variable, pointer) && is_preload_of(variable, head))
			return true;
	return false;
}

static void tell_failed(const struct scene *s, const struct name *n, int error)
{
	scene_tell(s, WIRE_EXEC, 0, WIRE_EXEC_WATCHER, n);
	scene_tell(s, WIRE_EXEC_FAILED, error, 0, n);
}

static void tell_doubts(const struct scene *s, const struct name *n, const struct program *p)
{
	if (name_is_removed(n))
		scene_tell_reason(s, "executed a file that has no name");
	if (p->executable[0] != '/')
		scene_tell_reason(s, "executed a script whose interpreter is named by a relative path");
	/* Without them, if we had to have it run with no_new_privs. */
	if (p->gains_rights)
		scene_tell_reason(s, "executed a program that has rights of its own");
}

static void tell_program(const struct scene *s, const struct name *n, bool first)
{
	const struct journal *j = &s->watch->journal;
	struct program p;
	program_look(&p, n->here);
	bool script = strcmp(p.executable, n->here) != 0, shim = takes_shim(s, &p);
	const char *program = script ? p.executable : n->path;
	tell_doubts(s, n, &p);
	/* The shim counts itself, too. */
	journal_tell_exec(j, s->pid, n->path, program, first && !shim);
	/* Its interpreter need not read it. */
	if (script)
		scene_tell(s, WIRE_OPEN, 0, WIRE_OPEN_READ, n);
	if (p.loader[0])
		journal_tell(j, s->pid, WIRE_LIBRARY, 0, 0, p.loader);
	if (!shim)
		journal_tell(j, s->pid, WIRE_ENVIRONMENT, 0, 0, program);
}

/* A failure that is not foreseen is told as a success: what was looked at is
 * recorded then, too, and both counts agree. */
static void tell_execution(struct scene *s)
{
	struct name n;
	const struct call *c = s->call;
	bool first = !s->watch->begun, by_descriptor = c->flags != CALL_NONE && s->args[c->flags] & AT_EMPTY_PATH;
	s->watch->begun = true;
	if (!scene_name(s, &n, c->at, c->path, by_descriptor))
		return;
	/* Another of us, which is going to see that it is watched already. */
	if (strcmp(n.path, s->watch->journal.head->watcher) == 0)
		return;
	int error = look_exec(&n);
	if (!error)
		tell_program(s, &n, first);
	else if (!first)
		tell_failed(s, &n, error);
}

void tell_exec(struct scene *s)
{
	tell_execution(s);
	peek_forget();
}
