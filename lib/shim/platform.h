/* What only one of the C libraries knows; each directory has its own platform.c. */
#ifndef DPC_SHIM_PLATFORM_H
#define DPC_SHIM_PLATFORM_H

#include <link.h>

/* The loaded objects, the program first. */
struct link_map *platform_objects(void);

/* The dynamic section of the shim itself: what it is known by. */
const ElfW(Dyn) * platform_own(void);

/* The environment that the process was started with, also before the C library has
 * taken it over into `environ`. */
char **platform_environment(void);

/* The path by which the program was executed; NULL: the kernel does not say. */
const char *platform_executed(void);

#endif
