#include "platform.h"

#include <sys/auxv.h>
#include <unistd.h>

extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));
extern struct r_debug *_dl_debug_addr;

struct link_map *platform_objects(void)
{
	return _dl_debug_addr->r_map;
}

const ElfW(Dyn) * platform_own(void)
{
	return _DYNAMIC;
}

char **platform_environment(void)
{
	return environ;
}

const char *platform_executed(void)
{
	return (const char *)getauxval(AT_EXECFN); // NOLINT(performance-no-int-to-ptr)
}
