/* popen(3). Its streams are the C library's own affair, to the end in pclose or fclose;
 * so it is left to it, only with an environment lent for the moment of the start. */
#include "find.h"
#include "log.h"
#include "outfit.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wordexp.h>

/* The process in which a thread has lent its environment. By the number, a child that
 * was forked in that moment sees that the holder is none of its threads. */
static _Atomic long holder;

/* What is lent stays where it is for good: other threads may be reading in it. */
static void **room;
static size_t room_size;

static void take_lock(void)
{
	long me = raw_pid();
	for (;;) {
		long other = 0;
		if (atomic_compare_exchange_strong(&holder, &other, me))
			return;
		if (other != me && atomic_compare_exchange_strong(&holder, &other, me))
			return;
		sched_yield();
	}
}

static bool make_room(size_t size)
{
	if (size <= room_size)
		return true;
	void **larger = malloc(2 * size);
	if (!larger)
		return false;
	room = larger;
	room_size = 2 * size;
	return true;
}

/* Take ours out again, also where another thread has meanwhile made a new one of what
 * was lent, to set a variable. */
static void return_environment(char **own)
{
	if (environ == (char **)room) {
		environ = own;
		return;
	}
	log_take_variables(environ);
}

static FILE *lend_and_open(const char *command, const char *type, struct outfit *o)
{
	char **own = environ;
	if (!make_room(outfit_size(o, NULL, own) + sizeof(void *)))
		return NULL;
	outfit_make(o, room, "/bin/sh", NULL, own);
	environ = (char **)o->envp;
	FILE *file = REAL(popen)(command, type);
	int saved = errno;
	return_environment(own);
	errno = saved;
	return file;
}

static FILE *open_as(struct outfit *o, const char *command, const char *type)
{
	log_exec(o->fate, AT_FDCWD, "/bin/sh");
	take_lock();
	FILE *file = o->fate == WIRE_EXEC_BLIND ? REAL(popen)(command, type) : lend_and_open(command, type, o);
	atomic_store(&holder, 0);
	if (!file)
		log_exec_failed(errno, AT_FDCWD, "/bin/sh");
	return file;
}

SHIM FILE *popen(const char *command, const char *type)
{
	struct target t;
	struct outfit o;
	if (!log_on())
		return REAL(popen)(command, type);
	target_look(&t, AT_FDCWD, "/bin/sh");
	outfit_choose(&o, &t, NULL, environ);
	FILE *file = open_as(&o, command, type);
	if (!file && outfit_is_too_large(&o, errno))
		file = open_as(&o, command, type);
	return file;
}

/* It looks up variables, lists directories and runs commands, all by itself; and hardly
 * anybody calls it. */
SHIM int wordexp(const char *words, wordexp_t *result, int flags)
{
	if (strpbrk(words, "`*?[~$"))
		log_word(WIRE_UNCACHEABLE, "expanded words as a shell does");
	return REAL(wordexp)(words, result, flags);
}
