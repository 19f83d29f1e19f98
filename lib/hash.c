#include "hash.h"

/* Compiled in rather than linked: the front is static and small, and this way
 * xxhash is in it once. */
#define XXH_STATIC_LINKING_ONLY
#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(sizeof(struct hasher) >= sizeof(XXH3_state_t), "xxhash's state has grown");
_Static_assert(_Alignof(struct hasher) >= _Alignof(XXH3_state_t), "xxhash's state is aligned further");

static struct digest canonical(XXH128_hash_t h)
{
	XXH128_canonical_t c;
	struct digest d;
	XXH128_canonicalFromHash(&c, h);
	memcpy(d.bytes, c.digest, sizeof d.bytes);
	return d;
}

uint64_t hash64(const void *data, size_t size)
{
	return XXH3_64bits(data, size);
}

struct digest hash128(const void *data, size_t size)
{
	return canonical(XXH3_128bits(data, size));
}

void hasher_init(struct hasher *h)
{
	XXH3_128bits_reset((XXH3_state_t *)h->state);
}

void hasher_update(struct hasher *h, const void *data, size_t size)
{
	XXH3_128bits_update((XXH3_state_t *)h->state, data, size);
}

/* One state serves both widths: they differ only in how it is finished. */
uint64_t hasher_sum64(const struct hasher *h)
{
	return XXH3_64bits_digest((const XXH3_state_t *)h->state);
}

struct digest hasher_sum128(const struct hasher *h)
{
	return canonical(XXH3_128bits_digest((const XXH3_state_t *)h->state));
}

void digest_hex(char out[DIGEST_HEX], const struct digest *d)
{
	static const char digits[] = "0123456789abcdef";
	for (int i = 0; i < 16; i++) {
		out[2 * i] = digits[d->bytes[i] >> 4];
		out[2 * i + 1] = digits[d->bytes[i] & 15];
	}
	out[32] = '\0';
}

bool digest_from_hex(struct digest *d, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	if (strspn(text, digits) < DIGEST_HEX - 1)
		return false;
	for (size_t i = 0; i < sizeof d->bytes; i++)
		d->bytes[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) << 4 | (strchr(digits, text[2 * i + 1]) - digits));
	return true;
}
