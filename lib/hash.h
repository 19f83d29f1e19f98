/* XXH3 under the names used here. Not cryptographic: an answer found by hash
 * is believed only after the bytes behind it were compared. */
#ifndef DPC_HASH_H
#define DPC_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 128 bits in canonical (big-endian) order: the same on every machine. */
struct digest {
	uint8_t bytes[16];
};

uint64_t hash64(const void *data, size_t size);
struct digest hash128(const void *data, size_t size);

/* The same over bytes that come in pieces: hasher_init, hasher_update …, then
 * either end. Holds xxhash's state, of the size and alignment it asks for. */
struct hasher {
	_Alignas(64) uint8_t state[576];
};

void hasher_init(struct hasher *h);
void hasher_update(struct hasher *h, const void *data, size_t size);
uint64_t hasher_sum64(const struct hasher *h);
struct digest hasher_sum128(const struct hasher *h);

enum { DIGEST_HEX = 33 }; /* 32 digits and the NUL */

void digest_hex(char out[DIGEST_HEX], const struct digest *d);

/* The digest that the first 32 characters spell, in lower case; false when
 * they are none. */
bool digest_from_hex(struct digest *d, const char *text);

#endif
