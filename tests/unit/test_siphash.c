/* SipHash-2-4 against the reference vectors of its authors: key 00 01 .. 0f,
 * message 00 01 .. of each length. */
#include "support.h"

#include "siphash.h"

#include <stdio.h>

static const uint8_t KEY[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void hex(char out[33], const uint8_t digest[16])
{
	for (int i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void the_reference_vectors_come_out(void **state)
{
	(void)state;
	static const struct {
		size_t size;
		const char *digest;
	} vectors[] = {
	    {0, "a3817f04ba25a8e66df67214c7550293"},  {1, "da87c1d86b99af44347659119b22fc45"},
	    {2, "8177228da4a45dc7fca38bdef60affe4"},  {3, "9c70b60c5267a94e5f33b6b02985ed51"},
	    {4, "f88164c12d9c8faf7d0f6e7c7bcd5579"},  {5, "1368875980776f8854527a07690e9627"},
	    {6, "14eeca338b208613485ea0308fd7a15e"},  {7, "a1f1ebbed8dbc153c0b84aa61ff08239"},
	    {8, "3b62a9ba6258f5610f83e264f31497b4"},  {9, "264499060ad9baabc47f8b02bb6d71ed"},
	    {10, "00110dc378146956c95447d3f3d0fbba"}, {11, "0151c568386b6677a2b4dc6f81e5dc18"},
	    {12, "d626b266905ef35882634df68532c125"}, {13, "9869e247e9c08b10d029934fc4b952f7"},
	    {14, "31fcefac66d7de9c7ec7485fe4494902"}, {15, "5493e99933b0a8117e08ec0f97cfc3d9"},
	    {16, "6ee2a4ca67b054bbfd3315bf85230577"}, {17, "473d06e8738db89854c066c47ae47740"},
	    {31, "2939b0183223fafc1723de4f52c43d35"}, {32, "7c3956ca5eeafc3e363e9d556546eb68"},
	    {63, "5150d1772f50834a503e069a973fbd7c"},
	};
	uint8_t message[64], digest[16];
	char text[33];
	for (size_t i = 0; i < sizeof message; i++)
		message[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		siphash128(digest, message, vectors[i].size, KEY);
		hex(text, digest);
		assert_string_equal(text, vectors[i].digest);
	}
}

static void a_message_need_not_be_aligned(void **state)
{
	(void)state;
	uint8_t room[64 + 8], expected[16], digest[16];
	for (size_t shift = 0; shift < 8; shift++) {
		for (size_t i = 0; i < 40; i++)
			room[shift + i] = (uint8_t)i;
		siphash128(digest, room + shift, 40, KEY);
		if (!shift)
			memcpy(expected, digest, sizeof digest);
		assert_memory_equal(digest, expected, sizeof digest);
	}
}

static void every_bit_of_key_and_message_counts(void **state)
{
	(void)state;
	uint8_t key[16], message[19] = {0}, first[16], digest[16];
	memcpy(key, KEY, sizeof key);
	siphash128(first, message, sizeof message, key);
	for (size_t bit = 0; bit < 8 * sizeof key; bit++) {
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		siphash128(digest, message, sizeof message, key);
		assert_memory_not_equal(digest, first, sizeof digest);
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * sizeof message; bit++) {
		message[bit / 8] ^= (uint8_t)(1 << bit % 8);
		siphash128(digest, message, sizeof message, key);
		assert_memory_not_equal(digest, first, sizeof digest);
		message[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void trailing_zeros_are_part_of_the_message(void **state)
{
	(void)state;
	static const uint8_t zeros[9];
	uint8_t shorter[16], longer[16];
	for (size_t n = 0; n < sizeof zeros; n++) {
		siphash128(shorter, zeros, n, KEY);
		siphash128(longer, zeros, n + 1, KEY);
		assert_memory_not_equal(shorter, longer, sizeof shorter);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_reference_vectors_come_out),
	    cmocka_unit_test(a_message_need_not_be_aligned),
	    cmocka_unit_test(every_bit_of_key_and_message_counts),
	    cmocka_unit_test(trailing_zeros_are_part_of_the_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
