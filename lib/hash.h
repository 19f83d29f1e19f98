/* XXH3 under the names used here. Not cryptographic: an answer found by hash
 * is believed only after the bytes behind it were compared. */
#ifndef DPC_HASH_H
#define DPC_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#define XXH_INLINE_ALL
#include <xxhash.h>

/* 128 bits in canonical (big-endian) order: the same on every machine. */
struct digest {
	uint8_t bytes[16];
};

static inline struct digest digest_of(XXH128_hash_t h)
{
	XXH128_canonical_t c;
	struct digest d;
	XXH128_canonicalFromHash(&c, h);
	memcpy(d.bytes, c.digest, sizeof d.bytes);
	return d;
}

static inline uint64_t hash64(const void *data, size_t size)
{
	return XXH3_64bits(data, size);
}

enum { DIGEST_HEX = 33 }; /* 32 digits and the NUL */

static inline void digest_hex(char out[DIGEST_HEX], const struct digest *d)
{
	static const char digits[] = "0123456789abcdef";
	for (int i = 0; i < 16; i++) {
		out[2 * i] = digits[d->bytes[i] >> 4];
		out[2 * i + 1] = digits[d->bytes[i] & 15];
	}
	out[32] = '\0';
}

#endif
