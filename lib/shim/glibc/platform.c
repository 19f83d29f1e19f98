#include "platform.h"

#include <unistd.h>

/* The dynamic linker's: where the stack began, with the argument count lowest. */
extern void *__libc_stack_end;

struct link_map *platform_objects(void)
{
	return _r_debug.r_map;
}

const ElfW(Dyn) * platform_own(void)
{
	return _DYNAMIC;
}

static char **first_environment(void)
{
	const long *count = __libc_stack_end;
	return (char **)(count + 1) + *count + 1;
}

char **platform_environment(void)
{
	return environ ? environ : first_environment();
}

/* It lies behind the environment, from which something may have been taken. Not by
 * getauxval, which would have to be looked up. */
const char *platform_executed(void)
{
	char **end = first_environment();
	while (*end)
		end++;
	while (!*end)
		end++;
	for (const ElfW(auxv_t) *a = (const void *)end; a->a_type != AT_NULL; a++)
		if (a->a_type == AT_EXECFN)
			return (const char *)a->a_un.a_val; // NOLINT(performance-no-int-to-ptr)
	return NULL;
}
