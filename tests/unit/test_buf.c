/* Bytes being built and bytes being read. */
#include "support.h"

#include "buf.h"

static void a_buffer_grows_and_keeps_what_is_in_it(void **state)
{
	(void)state;
	struct buf b = {0};
	for (uint32_t i = 0; i < 10000; i++)
		buf_u32(&b, i);
	assert_false(b.failed);
	assert_int_equal(b.size, 40000);
	struct cursor c = {b.data, b.data + b.size, false};
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(cursor_u32(&c), i);
	assert_false(c.bad);
	buf_release(&b);
	assert_null(b.data);
	assert_int_equal(b.size, 0);
}

static void integers_are_little_endian(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_u8(&b, 0x01);
	buf_u32(&b, 0x05040302);
	buf_u64(&b, UINT64_C(0x0d0c0b0a09080706));
	static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
	assert_int_equal(b.size, sizeof expected);
	assert_memory_equal(b.data, expected, sizeof expected);
	struct cursor c = {b.data, b.data + b.size, false};
	assert_int_equal(cursor_u8(&c), 1);
	assert_int_equal(cursor_u32(&c), 0x05040302);
	assert_true(cursor_u64(&c) == UINT64_C(0x0d0c0b0a09080706));
	assert_ptr_equal(c.at, c.end);
	assert_false(c.bad);
	buf_release(&b);
}

static void a_field_is_its_length_and_its_bytes(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_field(&b, "a\0b", 3);
	buf_string(&b, "");
	buf_string(&b, "xyz");
	static const uint8_t expected[] = "\3\0\0\0a\0b\0\0\0\0\3\0\0\0xyz";
	assert_int_equal(b.size, sizeof expected - 1);
	assert_memory_equal(b.data, expected, b.size);
	struct cursor c = {b.data, b.data + b.size, false};
	assert_true(slice_equal(cursor_field(&c), (struct slice){(const uint8_t *)"a\0b", 3}));
	assert_true(slice_equal(cursor_field(&c), slice_of("")));
	assert_true(slice_equal(cursor_field(&c), slice_of("xyz")));
	assert_false(c.bad);
	buf_release(&b);
}

static void reserved_room_is_not_counted(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_put(&b, "abc", 3);
	uint8_t *to = buf_reserve(&b, 5000);
	assert_non_null(to);
	assert_int_equal(b.size, 3);
	memset(to, 'x', 5000);
	buf_put(&b, "d", 1);
	assert_memory_equal(b.data, "abcd", 4);
	buf_release(&b);
}

static void room_for_nothing_is_room(void **state)
{
	/* NULL says that memory is out; an empty file must not be taken for it. */
	(void)state;
	struct buf b = {0};
	assert_non_null(buf_reserve(&b, 0));
	assert_false(b.failed);
	buf_release(&b);
}

static void nothing_can_be_put(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_put(&b, NULL, 0);
	buf_field(&b, NULL, 0);
	assert_false(b.failed);
	assert_int_equal(b.size, 4);
	buf_release(&b);
}

static void a_failure_sticks_and_harms_nothing(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_put(&b, "abc", 3);
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_true(b.failed);
	buf_put(&b, "def", 3);
	buf_u64(&b, 1);
	assert_null(buf_reserve(&b, 1));
	assert_int_equal(b.size, 3);
	assert_memory_equal(b.data, "abc", 3);
	buf_release(&b);
	assert_false(b.failed);
}

static void a_field_longer_than_its_length_can_say_fails(void **state)
{
	(void)state;
	if (sizeof(size_t) == 4)
		skip();
	struct buf b = {0};
	buf_field(&b, "", (size_t)UINT32_MAX + 1);
	assert_true(b.failed);
	assert_int_equal(b.size, 0);
	buf_release(&b);
}

static void reading_past_the_end_yields_zeros_and_says_so(void **state)
{
	(void)state;
	static const uint8_t three[] = {0xff, 0xff, 0xff};
	struct cursor c = {three, three + 3, false};
	assert_int_equal(cursor_u32(&c), 0);
	assert_true(c.bad);
	/* It stays bad, though one byte would be there. */
	assert_int_equal(cursor_u8(&c), 0);
	assert_true(cursor_u64(&c) == 0);
	assert_null(cursor_take(&c, 0).data);
	assert_ptr_equal(c.at, three);
}

static void a_field_that_claims_too_much_is_bad(void **state)
{
	(void)state;
	static const uint8_t claims[] = {4, 0, 0, 0, 'a', 'b', 'c'};
	struct cursor c = {claims, claims + sizeof claims, false};
	struct slice s = cursor_field(&c);
	assert_true(c.bad);
	assert_int_equal(s.size, 0);
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 'a'};
	c = (struct cursor){huge, huge + sizeof huge, false};
	cursor_field(&c);
	assert_true(c.bad);
}

static void the_last_byte_can_be_taken(void **state)
{
	(void)state;
	static const uint8_t two[] = {7, 9};
	struct cursor c = {two, two + 2, false};
	assert_int_equal(cursor_take(&c, 2).size, 2);
	assert_false(c.bad);
	cursor_take(&c, 0);
	assert_false(c.bad);
	cursor_u8(&c);
	assert_true(c.bad);
}

static void slices_are_equal_by_size_and_bytes(void **state)
{
	(void)state;
	assert_true(slice_equal(slice_of("abc"), slice_of("abc")));
	assert_false(slice_equal(slice_of("abc"), slice_of("abd")));
	assert_false(slice_equal(slice_of("abc"), slice_of("ab")));
	assert_true(slice_equal((struct slice){NULL, 0}, slice_of("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_buffer_grows_and_keeps_what_is_in_it),
	    cmocka_unit_test(integers_are_little_endian),
	    cmocka_unit_test(a_field_is_its_length_and_its_bytes),
	    cmocka_unit_test(reserved_room_is_not_counted),
	    cmocka_unit_test(room_for_nothing_is_room),
	    cmocka_unit_test(nothing_can_be_put),
	    cmocka_unit_test(a_failure_sticks_and_harms_nothing),
	    cmocka_unit_test(a_field_longer_than_its_length_can_say_fails),
	    cmocka_unit_test(reading_past_the_end_yields_zeros_and_says_so),
	    cmocka_unit_test(a_field_that_claims_too_much_is_bad),
	    cmocka_unit_test(the_last_byte_can_be_taken),
	    cmocka_unit_test(slices_are_equal_by_size_and_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
