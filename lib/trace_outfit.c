/* The command itself is started as the shim starts all that it starts: by the same
 * code, to which this is what log.c is in the shim. */
#include "trace.h"

#include "shim/log.h"
#include "shim/outfit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

bool log_begun = true;
struct wire_head *log_head;
static const char *name;

const char *log_name(void)
{
	return name;
}

/* Of a script, by which name its interpreter was found: that knows only its own. */
void log_outcome(enum wire_kind kind, unsigned detail, int dir, const char *path, int error)
{
	uint32_t size = wire_size(strlen(path));
	/* The command's own, which is in the question. */
	struct wire_record *r = *path == '/' ? wire_reserve(log_head, size) : NULL;
	(void)dir;
	if (!r)
		return;
	r->kind = (uint16_t)kind;
	r->error = (uint16_t)error;
	r->detail = detail;
	strcpy(r->path, path);
	wire_finish(r, size);
}

/* Never: there is no log but the one that was set. */
void log_begin(void)
{
}

static int make(void **room, struct outfit *o, struct spawn *command, dpc_error *err)
{
	*room = malloc(outfit_size(o, command->argv, command->envp) + 1);
	if (!*room)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	outfit_make(o, *room, command->exe, command->argv, command->envp);
	command->exe = o->path;
	command->argv = o->argv;
	command->envp = o->envp;
	return DPC_OK;
}

int trace_dress(struct trace *t, struct spawn *command, dpc_error *err)
{
	struct target target;
	struct outfit o;
	log_head = t->head;
	name = t->log;
	target_look(&target, AT_FDCWD, command->exe);
	/* A file that is neither program nor script becomes one of /bin/sh. */
	if (target.kind == TARGET_OTHER)
		target_look(&target, AT_FDCWD, "/bin/sh");
	outfit_choose(&o, &target, command->exe, command->envp);
	bool strict = t->head->strict && target.kind != TARGET_SECURE;
	if (o.fate == WIRE_EXEC_BLIND || (strict && !*t->head->watcher))
		t->blind = command->exe;
	int rc = make(&t->room, &o, command, err);
	if (rc == DPC_OK && strict && o.fate == WIRE_EXEC_SHIM) {
		o.fate = WIRE_EXEC_WATCHER;
		rc = make(&t->more_room, &o, command, err);
	}
	return rc;
}
