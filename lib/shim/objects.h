/* The shared objects of this process: symbols in them, and what the log is to know of
 * them. Reads only what the dynamic linker has laid down, calls nothing. */
#ifndef DPC_SHIM_OBJECTS_H
#define DPC_SHIM_OBJECTS_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

/* The shim's own entry; NULL before it is in the list. */
struct link_map *objects_self(void);

/* The address of function `name` in the first object behind the shim that defines it,
 * as dlsym(RTLD_NEXT) would: its default version, else an old one. NULL: none. */
void *objects_next(const char *name);

/* Does the program, or a library other than the C library's own, refer to the
 * variable `environ`? Then what it looks up in there is not known. */
bool objects_see_environment(void);

/* The search path for libraries that an object brings along, as it stands there. NULL:
 * none. And does any? */
const char *objects_path(const struct link_map *map);
bool objects_have_path(void);

#endif
