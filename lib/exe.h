/* Which file a command name means. */
#ifndef DPC_EXE_H
#define DPC_EXE_H

#include <limits.h>

/* Resolve as execvp would: a name with a slash is itself, any other is sought
 * along PATH. 0 with the path in `out`; ENOENT when there is none; EACCES when
 * what there is may not be executed (`out` then names it); ENAMETOOLONG. */
int exe_resolve(char out[PATH_MAX], const char *name);

#endif
