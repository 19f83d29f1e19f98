/* The hash under which a symbol's name stands in DT_GNU_HASH. */
#ifndef DPC_SHIM_GNUHASH_H
#define DPC_SHIM_GNUHASH_H

#include <stdint.h>

static inline uint32_t gnuhash(const char *name)
{
	uint32_t hash = 5381;
	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

#endif
