/* A step of a hash over words. It can be undone, so nothing of what went before is lost
 * in it. */
#ifndef DPC_SHIM_MIX_H
#define DPC_SHIM_MIX_H

#include <stdint.h>

static inline uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

#endif
