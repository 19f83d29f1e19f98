/* What kind of program a file is, once for all processes of a run: to look into it costs
 * some twenty system calls. Only of files that have not changed since the run began: what
 * changes later has another change time. */
#ifndef DPC_SHIM_KNOWN_H
#define DPC_SHIM_KNOWN_H

#include "target.h"

#include <sys/stat.h>

/* False: not known. */
bool known_find(const struct stat *st, enum target_kind *kind);

void known_note(const struct stat *st, enum target_kind kind);

#endif
