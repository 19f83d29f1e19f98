/* Which program this is. */
#ifndef DPC_SHIM_EXECUTABLE_H
#define DPC_SHIM_EXECUTABLE_H

#include "wire.h"

#include <stdbool.h>

/* Who executed it saw that it is no interpreter of a script: the path by which it was
 * executed tells. As long as the program itself has not begun: it may go to another
 * directory, or write its title over the path. */
void executable_is_known(bool is);

/* Its path by the kernel's word, "" where it does not tell. */
void executable_ask(char exe[WIRE_PATH_MAX]);

/* Write a record about it. */
void executable_log(enum wire_kind kind);

#endif
