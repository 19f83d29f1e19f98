#include "target.h"

#include "elfile.h"
#include "log.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

enum {
	SCRIPTS_MAX = 4, /* as the kernel follows them */
	LINE_MAX_KERNEL = 255
};

static enum target_kind kind_of_program(const struct elfile *e)
{
	char loader[64];
	if (elfile_is_secure(e))
		return TARGET_SECURE;
	if (!elfile_loader(e, loader, sizeof loader) || elfile_has_sanitizer(e))
		return TARGET_ALONE;
	if (strcmp(loader, "/lib64/ld-linux-x86-64.so.2") == 0)
		return TARGET_GLIBC;
	return strcmp(loader, "/lib/ld-musl-x86_64.so.1") == 0 ? TARGET_MUSL : TARGET_ALONE;
}

/* The interpreter that a first line names, in `head` itself. NULL: none. */
static char *interpreter_of(char *head, size_t size)
{
	if (size < 3 || head[0] != '#' || head[1] != '!')
		return NULL;
	head[size < LINE_MAX_KERNEL ? size : LINE_MAX_KERNEL] = 0;
	head[strcspn(head, "\n")] = 0;
	char *name = head + 2 + strspn(head + 2, " \t");
	name[strcspn(name, " \t")] = 0;
	return *name ? name : NULL;
}

/* One file. True: `interpreter` is to be looked at next. */
static bool look_at(struct target *t, int dir, const char *path, char interpreter[LINE_MAX_KERNEL + 1])
{
	struct elfile e;
	t->kind = TARGET_ABSENT;
	t->error = elfile_open(&e, dir, path);
	if (t->error)
		return false;
	char *name = interpreter_of(e.head, e.size);
	if (name)
		strcpy(interpreter, name);
	else
		t->kind = elfile_is_program(&e) ? kind_of_program(&e) : TARGET_OTHER;
	elfile_close(&e);
	return name;
}

void target_look(struct target *t, int dir, const char *path)
{
	char interpreter[LINE_MAX_KERNEL + 1];
	for (int depth = 0; look_at(t, dir, path, interpreter); depth++) {
		log_outcome(WIRE_OPEN, WIRE_OPEN_READ, dir, path, 0);
		dir = AT_FDCWD;
		path = interpreter;
		t->kind = TARGET_ALONE;
		if (depth == SCRIPTS_MAX)
			return;
	}
	if (path == interpreter)
		log_outcome(WIRE_OPEN, WIRE_OPEN_READ, dir, path, t->error);
}
