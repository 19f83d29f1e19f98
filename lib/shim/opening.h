/* The records of opened files. */
#ifndef DPC_SHIM_OPENING_H
#define DPC_SHIM_OPENING_H

#include "log.h"

#include <fcntl.h>

/* Before the call: would it create the file? */
bool opening_is_fresh(int dir, const char *path, int flags);

/* After it. `rc` below 0: it failed for errno. */
void opening_log(int dir, const char *path, int flags, bool fresh, long rc);
void opening_log_error(int dir, const char *path, int flags, bool fresh, int error);

/* The flags that a mode of fopen(3) stands for. */
int opening_flags(const char *mode);

#endif
