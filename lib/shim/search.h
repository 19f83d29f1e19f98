/* A program's name sought along PATH, as the C library does it. */
#ifndef DPC_SHIM_SEARCH_H
#define DPC_SHIM_SEARCH_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>

/* Both a directory and a name. */
enum { SEARCH_MAX = WIRE_PATH_MAX + 256 };

struct search {
	const char *name, *rest;
	size_t size;
};

/* False: the name is a path, and not to be sought. */
bool search_begin(struct search *s, const char *name);

/* The next file of that name that is there; those that are not are logged. False:
 * there are no more. Keeps errno. */
bool search_next(struct search *s, char path[SEARCH_MAX]);

/* Is the search to go on after execve failed so? */
bool search_goes_on(int error);

#endif
