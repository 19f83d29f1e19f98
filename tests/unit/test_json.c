/* JSON written piece by piece. */
#include "support.h"

#include "json.h"

static void assert_json(struct buf *b, const char *expected)
{
	buf_u8(b, '\0');
	assert_false(b->failed);
	assert_string_equal((const char *)b->data, expected);
	buf_release(b);
}

static void assert_string(const char *bytes, size_t size, const char *expected)
{
	struct buf b = {0};
	json_string(&b, bytes, size);
	assert_json(&b, expected);
}

static void names_are_parted_by_commas(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_u8(&b, '{');
	json_text(&b, "a", "x");
	json_int(&b, "b", -5);
	json_bool(&b, "c", true);
	json_bool(&b, "d", false);
	json_bytes(&b, "e", slice_of("y"));
	json_name(&b, "f");
	buf_u8(&b, '[');
	buf_u8(&b, ']');
	json_name(&b, "g");
	buf_u8(&b, '{');
	json_int(&b, "h", 1);
	buf_put(&b, "}}", 2);
	assert_json(&b, "{\"a\":\"x\",\"b\":-5,\"c\":true,\"d\":false,\"e\":\"y\",\"f\":[],\"g\":{\"h\":1}}");
}

static void a_value_that_ends_in_a_brace_is_no_opening(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_u8(&b, '{');
	json_text(&b, "a", "{");
	json_text(&b, "b", "[");
	json_int(&b, "c", 0);
	assert_json(&b, "{\"a\":\"{\",\"b\":\"[\",\"c\":0");
}

static void quotes_and_controls_are_escaped(void **state)
{
	(void)state;
	assert_string("\"\\", 2, "\"\\\"\\\\\"");
	assert_string("a\nb\tc", 5, "\"a\\nb\\tc\"");
	assert_string("\0\x1f\x7f\r", 4, "\"\\u0000\\u001f\\u007f\\u000d\"");
	assert_string("", 0, "\"\"");
	assert_string("/", 1, "\"/\"");
}

static void text_in_utf8_passes_as_it_is(void **state)
{
	(void)state;
	static const char text[] = "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf";
	assert_string(text, sizeof text - 1,
	              "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf\"");
}

static void bytes_that_are_not_utf8_become_replacements(void **state)
{
	(void)state;
	assert_string("\xff", 1, "\"\\ufffd\"");
	assert_string("a\x80z", 3, "\"a\\ufffdz\"");
	/* Overlong, a surrogate, beyond the last code point. */
	assert_string("\xc0\xaf", 2, "\"\\ufffd\\ufffd\"");
	assert_string("\xe0\x80\xaf", 3, "\"\\ufffd\\ufffd\\ufffd\"");
	assert_string("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"");
	assert_string("\xf4\x90\x80\x80", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	/* Cut short by the end, though more bytes lie behind it. */
	assert_string("\xe2\x82\xac", 2, "\"\\ufffd\\ufffd\"");
	assert_string("\xe2\x82z", 3, "\"\\ufffd\\ufffdz\"");
}

static void every_byte_alone_gives_ascii_or_a_replacement(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;
		struct buf b = {0};
		json_string(&b, &byte, 1);
		for (size_t i = 0; i < b.size; i++)
			assert_in_range(b.data[i], 0x20, 0x7e);
		buf_release(&b);
	}
}

static void no_text_is_null(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_u8(&b, '{');
	json_text(&b, "a", NULL);
	json_bytes(&b, "b", (struct slice){NULL, 0});
	assert_json(&b, "{\"a\":null,\"b\":\"\"");
}

static void integers_keep_all_their_digits(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_u8(&b, '{');
	json_int(&b, "a", INT64_MAX);
	json_int(&b, "b", INT64_MIN);
	assert_json(&b, "{\"a\":9223372036854775807,\"b\":-9223372036854775808");
}

static void seconds_have_a_fraction_and_forever_is_null(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_u8(&b, '{');
	json_seconds(&b, "a", 1500000000);
	json_seconds(&b, "b", 0);
	json_seconds(&b, "c", -500000000);
	json_seconds(&b, "d", 50000000);
	json_seconds(&b, "e", DPC_FOREVER);
	assert_json(&b, "{\"a\":1.500,\"b\":0.000,\"c\":-0.500,\"d\":0.050,\"e\":null");
}

static void names_are_escaped_too(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_u8(&b, '{');
	json_int(&b, "a\"b", 1);
	assert_json(&b, "{\"a\\\"b\":1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_parted_by_commas),
	    cmocka_unit_test(a_value_that_ends_in_a_brace_is_no_opening),
	    cmocka_unit_test(quotes_and_controls_are_escaped),
	    cmocka_unit_test(text_in_utf8_passes_as_it_is),
	    cmocka_unit_test(bytes_that_are_not_utf8_become_replacements),
	    cmocka_unit_test(every_byte_alone_gives_ascii_or_a_replacement),
	    cmocka_unit_test(no_text_is_null),
	    cmocka_unit_test(integers_keep_all_their_digits),
	    cmocka_unit_test(seconds_have_a_fraction_and_forever_is_null),
	    cmocka_unit_test(names_are_escaped_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
