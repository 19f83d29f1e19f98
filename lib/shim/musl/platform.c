#include "platform.h"

#include <unistd.h>

extern struct r_debug *_dl_debug_addr;

struct link_map *platform_objects(void)
{
	return _dl_debug_addr->r_map;
}

char **platform_environment(void)
{
	return environ;
}
