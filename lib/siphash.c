#include "siphash.h"

#include <endian.h>
#include <string.h>

struct state {
	uint64_t a, b, c, d;
};

static uint64_t load(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

static void store(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof v);
}

static uint64_t rotate(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static void rounds(struct state *s, int n)
{
	while (n--) {
		s->a += s->b;
		s->c += s->d;
		s->b = rotate(s->b, 13) ^ s->a;
		s->d = rotate(s->d, 16) ^ s->c;
		s->a = rotate(s->a, 32);
		s->c += s->b;
		s->a += s->d;
		s->b = rotate(s->b, 17) ^ s->c;
		s->d = rotate(s->d, 21) ^ s->a;
		s->c = rotate(s->c, 32);
	}
}

static void absorb(struct state *s, uint64_t word)
{
	s->d ^= word;
	rounds(s, 2);
	s->a ^= word;
}

void siphash128(uint8_t out[16], const void *data, size_t size, const uint8_t key[16])
{
	const uint8_t *p = data;
	uint64_t k0 = load(key), k1 = load(key + 8);
	/* The paper's constants spell "somepseudorandomlygeneratedbytes"; 0xee
	 * tells the 128-bit variant from the 64-bit one. */
	struct state s = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee,
	                  k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
	size_t left = size;
	for (; left >= 8; left -= 8, p += 8)
		absorb(&s, load(p));
	uint8_t last[8] = {0};
	if (left)
		memcpy(last, p, left);
	last[7] = (uint8_t)size;
	absorb(&s, load(last));
	s.c ^= 0xee;
	rounds(&s, 4);
	store(out, s.a ^ s.b ^ s.c ^ s.d);
	s.b ^= 0xdd;
	rounds(&s, 4);
	store(out + 8, s.a ^ s.b ^ s.c ^ s.d);
}
