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

char **platform_environment(void)
{
	if (environ)
		return environ;
	const long *count = __libc_stack_end;
	return (char **)(count + 1) + *count + 1;
}
