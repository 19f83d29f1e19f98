#include "target.h"

#include "elfile.h"
#include "known.h"
#include "log.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

enum {
	SCRIPTS_MAX = 5, /* as the kernel follows them */
	LINE_MAX_KERNEL = 255
};

/* Does executing it change the rights of who runs it? Then LD_PRELOAD is not heeded.
 * `capable`: the file gives capabilities; root has them. */
static bool changes_rights(const struct stat *st, bool capable)
{
	uint32_t user[3] = {0}, group[3] = {0}, group_bits = S_ISGID | S_IXGRP;
	raw_call(SYS_getresuid, (long)&user[0], (long)&user[1], (long)&user[2], 0, 0, 0);
	raw_call(SYS_getresgid, (long)&group[0], (long)&group[1], (long)&group[2], 0, 0, 0);
	uint32_t new_user = st->st_mode & S_ISUID ? st->st_uid : user[1];
	uint32_t new_group = (st->st_mode & group_bits) == group_bits ? st->st_gid : group[1];
	return new_user != user[0] || new_group != group[0] || (capable && user[0]);
}

static enum target_kind kind_by_loader(const struct elfile *e)
{
	char loader[64];
	if (!elfile_loader(e, loader, sizeof loader) || elfile_has_sanitizer(e))
		return TARGET_ALONE;
	if (strcmp(loader, "/lib64/ld-linux-x86-64.so.2") == 0)
		return TARGET_GLIBC;
	return strcmp(loader, "/lib/ld-musl-x86_64.so.1") == 0 ? TARGET_MUSL : TARGET_ALONE;
}

/* Where it may fail, its caller is to learn of that: so nothing else is executed in its
 * place. */
static enum target_kind kind_of_program(const struct elfile *e)
{
	enum target_kind kind = kind_by_loader(e);
	return kind == TARGET_ALONE && !elfile_will_begin(e) ? TARGET_DOUBTFUL : kind;
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

/* What is open. True: it is a script, and `interpreter` to be looked at next. */
static bool look_into(struct target *t, struct elfile *e, char interpreter[LINE_MAX_KERNEL + 1])
{
	struct stat st = {0};
	char *name = interpreter_of(e->head, e->size);
	if (name) {
		strcpy(interpreter, name);
		return true;
	}
	t->kind = TARGET_OTHER;
	if (!elfile_is_program(e))
		return false;
	bool capable = elfile_gives_capabilities(e);
	t->kind = kind_of_program(e);
	if (raw_call(SYS_fstat, e->fd, (long)&st, 0, 0, 0, 0) < 0 || changes_rights(&st, capable))
		t->kind = TARGET_SECURE;
	else if (!capable)
		known_note(&st, t->kind);
	return false;
}

/* One file. True: `interpreter` is to be looked at next. */
static bool look_at(struct target *t, int dir, const char *path, char interpreter[LINE_MAX_KERNEL + 1])
{
	struct elfile e;
	struct stat st = {0};
	t->error = 0;
	if (raw_call(SYS_newfstatat, dir, (long)path, (long)&st, 0, 0, 0) == 0 && known_find(&st, &t->kind)) {
		if (changes_rights(&st, false))
			t->kind = TARGET_SECURE;
		return false;
	}
	t->kind = TARGET_ABSENT;
	t->error = elfile_open(&e, dir, path);
	if (t->error)
		return false;
	bool script = look_into(t, &e, interpreter);
	elfile_close(&e);
	return script;
}

void target_look(struct target *t, int dir, const char *path)
{
	char interpreter[LINE_MAX_KERNEL + 1];
	t->script = false;
	for (int depth = 0; look_at(t, dir, path, interpreter); depth++) {
		log_outcome(WIRE_OPEN, WIRE_OPEN_READ, dir, path, 0);
		dir = AT_FDCWD;
		path = interpreter;
		t->script = true;
		t->kind = TARGET_DOUBTFUL;
		if (depth == SCRIPTS_MAX)
			return;
	}
	/* It names itself, but by where the links lead by which it was found. */
	if (path == interpreter)
		log_outcome(WIRE_ACCESS, 0, dir, path, t->error);
}
