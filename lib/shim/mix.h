/* A hash over words, and over bytes. */
#ifndef DPC_SHIM_MIX_H
#define DPC_SHIM_MIX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A step can be undone, so nothing of what went before is lost in it. */
static inline uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static inline uint64_t mix_bytes(uint64_t hash, const char *data, size_t size)
{
	uint64_t word;
	hash = mix(hash, size);
	for (; size >= sizeof word; data += sizeof word, size -= sizeof word) {
		memcpy(&word, data, sizeof word);
		hash = mix(hash, word);
	}
	word = 0;
	while (size)
		word = word << 8 | (unsigned char)data[--size];
	return mix(hash, word);
}

#endif
