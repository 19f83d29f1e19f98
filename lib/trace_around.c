/* What the programs of a traced run depend on besides the paths that they name:
 * variables, and what the dynamic linker reads. */
#include "trace_judge.h"

#include "environment.h"
#include "trace_rules.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- variables --- */

static int note_name(void *context, const char *name, size_t size)
{
	struct judge *j = context;
	char *copy = strndup(name, size);
	bool noted = copy && pathset_at(&j->seen->variables, copy);
	free(copy);
	return noted ? DPC_OK : DPC_E_MEMORY;
}

static int note_names(struct judge *j, const char *const *list)
{
	for (; *list; list++)
		if (!pathset_at(&j->seen->variables, *list))
			return DPC_E_MEMORY;
	return DPC_OK;
}

/* What the dynamic linker and the C library look up where nobody sees it; and what is
 * noise to all but make. */
static int note_by_rule(struct judge *j)
{
	static const char *const of_libc[] = {"LD_PRELOAD",     "LD_LIBRARY_PATH", "LD_AUDIT",
	                                      "LD_DEBUG",       "LD_SHOW_AUXV",    "LD_TRACE_LOADED_OBJECTS",
	                                      "GLIBC_TUNABLES", "POSIXLY_CORRECT", NULL};
	static const char *const of_make[] = {"MAKEFLAGS", "GNUMAKEFLAGS", "MFLAGS", NULL};
	int rc = j->seen->dynamic ? note_names(j, of_libc) : DPC_OK;
	for (size_t i = 0; rc == DPC_OK && i < j->seen->programs.count; i++)
		if (trace_is_make(pathset_name(&j->seen->programs, &j->seen->programs.v[i])))
			rc = note_names(j, of_make);
	return rc;
}

int judge_variables(struct judge *j, dpc_error *why)
{
	const struct pathset *programs = &j->seen->programs, *names = &j->seen->variables;
	bool all = false;
	int rc = DPC_OK;
	for (size_t i = 0; i < programs->count && !all; i++)
		all = !trace_only_hands_on(pathset_name(programs, &programs->v[i]));
	if (all)
		rc = environment_each(note_name, j);
	if (rc == DPC_OK)
		rc = note_by_rule(j);
	for (size_t i = 0; rc == DPC_OK && i < names->count; i++) {
		const char *name = pathset_name(names, &names->v[i]);
		/* Where it is, the question says, or is not to say. */
		if (strncmp(name, "DPCACHE_", 8) != 0 && strcmp(name, "PWD") != 0)
			rc = judge_add(j, OBSERVED_VARIABLE, name, why);
	}
	return rc == DPC_OK && all ? judge_add(j, OBSERVED_NAMES, "", why) : rc;
}

/* --- the dynamic linker --- */

int judge_linker(struct judge *j, dpc_error *why)
{
	static const char *const read[] = {"/etc/ld.so.cache", "/etc/ld.so.preload"};
	int rc = DPC_OK;
	for (size_t i = 0; rc == DPC_OK && j->seen->dynamic && i < sizeof read / sizeof *read; i++)
		if (!pathset_find(&j->seen->paths, read[i]))
			rc = access(read[i], F_OK) == 0 ? judge_add_content(j, read[i], why)
			                                : judge_add(j, OBSERVED_ABSENT, read[i], why);
	return rc;
}
