/* XXH3 under the names used here, against the values its author publishes:
 * they are in keys, which must be the same on every machine. */
#include "support.h"

#include "hash.h"

static void assert_hex(struct digest d, const char *expected)
{
	char hex[DIGEST_HEX];
	digest_hex(hex, &d);
	assert_string_equal(hex, expected);
}

static void known_values_come_out(void **state)
{
	(void)state;
	assert_hex(hash128("", 0), "99aa06d3014798d86001c324468d497f");
	assert_true(hash64("", 0) == UINT64_C(0x2d06800538d394c2));
	assert_hex(hash128("a", 1), "a96faf705af16834e6c632b61e964e1f");
	assert_true(hash64("a", 1) == UINT64_C(0xe6c632b61e964e1f));
}

static void pieces_add_up_to_the_whole(void **state)
{
	(void)state;
	static uint8_t noise[5000];
	fill_noise(noise, sizeof noise, 1);
	for (size_t size = 0; size <= sizeof noise; size += 61) {
		struct hasher h;
		struct digest whole = hash128(noise, size), pieces;
		hasher_init(&h);
		for (size_t at = 0, step = 1; at < size; at += step, step = step * 2 % 1021) {
			size_t take = step < size - at ? step : size - at;
			hasher_update(&h, noise + at, take);
		}
		pieces = hasher_sum128(&h);
		assert_digests_equal(&whole, &pieces);
		assert_true(hasher_sum64(&h) == hash64(noise, size));
	}
}

static void hexadecimal_is_lower_case_and_in_order(void **state)
{
	(void)state;
	struct digest d = {{0x00, 0x01, 0x0f, 0x10, 0xab, 0xcd, 0xef, 0xff, 8, 9, 10, 11, 12, 13, 14, 15}};
	assert_hex(d, "00010f10abcdefff08090a0b0c0d0e0f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_values_come_out),
	    cmocka_unit_test(pieces_add_up_to_the_whole),
	    cmocka_unit_test(hexadecimal_is_lower_case_and_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
