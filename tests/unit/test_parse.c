/* The small languages of options. */
#include "support.h"

#include "parse.h"

#include <limits.h>
#include <stdio.h>

#define SECOND INT64_C(1000000000)

static void assert_duration(const char *text, int64_t expected)
{
	int64_t ns = -1;
	if (!parse_duration(&ns, text))
		fail_msg("'%s' is refused", text);
	if (ns != expected)
		fail_msg("'%s' is %lld ns, not %lld", text, (long long)ns, (long long)expected);
}

static void refuse_duration(const char *text)
{
	int64_t ns;
	if (parse_duration(&ns, text))
		fail_msg("'%s' is taken for %lld ns", text, (long long)ns);
}

static void a_bare_number_is_seconds(void **state)
{
	(void)state;
	assert_duration("300", 300 * SECOND);
	assert_duration("0", 0);
	assert_duration(".5", SECOND / 2);
	assert_duration("2.", 2 * SECOND);
}

static void every_unit_has_its_length(void **state)
{
	(void)state;
	assert_duration("7ns", 7);
	assert_duration("7us", 7000);
	assert_duration("50ms", 50000000);
	assert_duration("90s", 90 * SECOND);
	assert_duration("5m", 300 * SECOND);
	assert_duration("2h", 7200 * SECOND);
	assert_duration("2d", 172800 * SECOND);
	assert_duration("1w", 604800 * SECOND);
}

static void durations_can_be_put_together(void **state)
{
	(void)state;
	assert_duration("1h30m", 5400 * SECOND);
	assert_duration("1w2d3h4m5s6ms7us8ns", (604800 + 2 * 86400 + 3 * 3600 + 4 * 60 + 5) * SECOND + 6007008);
	assert_duration("1.5h", 5400 * SECOND);
}

static void forever_has_no_end(void **state)
{
	(void)state;
	assert_duration("forever", DPC_FOREVER);
	refuse_duration("forever1s");
	refuse_duration("Forever");
}

static void a_thousandth_of_a_second_loses_nothing(void **state)
{
	/* Fractions that have no exact double must not come out a nanosecond
	 * short: somebody compares 1.001 with 1001ms. */
	(void)state;
	for (int ms = 0; ms < 20000; ms++) {
		char text[32];
		snprintf(text, sizeof text, "%d.%03d", ms / 1000, ms % 1000);
		assert_duration(text, ms * INT64_C(1000000));
	}
}

static void what_is_no_duration_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {
	    "",   "abc",  "-5",   "+5",   "1e400", "1e3",  " 5",  "5 ",   "5x",   ".",
	    "s",  "5ss",  "5m-1", "1..5", "1.5.2", "0x10", "nan", "inf",  "5,5",  "5mm",
	    "5M", "1h30", "5s.",  "\n",   "٣",     "5s s", "--5", "5min", "1h m", "m5",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		refuse_duration(wrong[i]);
}

static void a_number_without_unit_stands_alone(void **state)
{
	/* "1h30" is refused; that the first part is nothing is no reason to take
	 * the second for seconds. */
	(void)state;
	refuse_duration("0m5");
	refuse_duration("0h30");
	refuse_duration("0s0");
}

static void a_duration_beyond_the_clock_is_refused(void **state)
{
	(void)state;
	char digits[512];
	memset(digits, '9', sizeof digits - 1);
	digits[sizeof digits - 1] = '\0';
	refuse_duration(digits);
	refuse_duration("9223372037");
	refuse_duration("300000d");
	refuse_duration("15000w15000w");
	refuse_duration("9223372036854775808ns");
	assert_duration("9000000000", 9000000000 * SECOND);
}

static void assert_size(const char *text, uint64_t expected)
{
	uint64_t bytes = 1;
	if (!parse_size(&bytes, text))
		fail_msg("'%s' is refused", text);
	if (bytes != expected)
		fail_msg("'%s' is %llu bytes, not %llu", text, (unsigned long long)bytes,
		         (unsigned long long)expected);
}

static void sizes_take_powers_of_1024(void **state)
{
	(void)state;
	assert_size("0", 0);
	assert_size("4096", 4096);
	assert_size("64k", 65536);
	assert_size("64K", 65536);
	assert_size("64kb", 65536);
	assert_size("64KiB", 65536);
	assert_size("1.5m", 1572864);
	assert_size("2g", UINT64_C(2) << 30);
	assert_size("1t", UINT64_C(1) << 40);
	assert_size(".5k", 512);
}

static void what_is_no_size_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {
	    "",    "abc", "-5",  "+5",    "1e400", "1e3",  "k",   ".k",   "5x",
	    "5kk", "5k ", " 5k", "5kib.", "5ki",   "0x10", "nan", "1k1k", "5kbb",
	};
	uint64_t bytes;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (parse_size(&bytes, wrong[i]))
			fail_msg("'%s' is taken for %llu bytes", wrong[i], (unsigned long long)bytes);
}

static void a_size_beyond_any_file_is_refused(void **state)
{
	(void)state;
	uint64_t bytes;
	char digits[512];
	memset(digits, '9', sizeof digits - 1);
	digits[sizeof digits - 1] = '\0';
	assert_false(parse_size(&bytes, digits));
	assert_false(parse_size(&bytes, "18446744073709551616"));
	assert_false(parse_size(&bytes, "9223372036854775808"));
	assert_false(parse_size(&bytes, "99999999999t"));
	assert_size("8000000t", UINT64_C(8000000) << 40);
}

static void a_number_is_plain_and_within_bounds(void **state)
{
	(void)state;
	long v = 0;
	assert_true(parse_number(&v, "5", 0, 10));
	assert_int_equal(v, 5);
	assert_true(parse_number(&v, "0", 0, 10));
	assert_true(parse_number(&v, "10", 0, 10));
	assert_true(parse_number(&v, "010", 0, 10));
	assert_int_equal(v, 10);
	static const char *const wrong[] = {"",   "11",  "-1",  "+1",  " 1",  "1 ",
	                                    "1x", "abc", "1.0", "1e1", "0x1", "99999999999999999999999"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (parse_number(&v, wrong[i], 0, 10))
			fail_msg("'%s' is taken for %ld", wrong[i], v);
	assert_false(parse_number(&v, "99999999999999999999999", 0, LONG_MAX));
	assert_false(parse_number(&v, "5", 6, 10));
}

static void exits_come_as_numbers_ranges_and_lists(void **state)
{
	(void)state;
	struct exit_set s;
	assert_true(parse_exit_set(&s, "0"));
	for (int i = 0; i < 256; i++)
		assert_int_equal(exit_set_has(&s, i), i == 0);
	assert_true(parse_exit_set(&s, "0,1,3-5,63-65,255"));
	for (int i = 0; i < 256; i++)
		assert_int_equal(exit_set_has(&s, i),
		                 i == 0 || i == 1 || (i >= 3 && i <= 5) || (i >= 63 && i <= 65) || i == 255);
	assert_true(parse_exit_set(&s, "7-7"));
	assert_true(exit_set_has(&s, 7));
}

static void any_is_every_exit(void **state)
{
	(void)state;
	struct exit_set s;
	assert_true(parse_exit_set(&s, "any"));
	for (int i = 0; i < 256; i++)
		assert_true(exit_set_has(&s, i));
}

static void a_status_out_of_range_is_in_no_set(void **state)
{
	(void)state;
	struct exit_set s;
	assert_true(parse_exit_set(&s, "any"));
	assert_false(exit_set_has(&s, -1));
	assert_false(exit_set_has(&s, 256));
	assert_false(exit_set_has(&s, INT_MAX));
	assert_false(exit_set_has(&s, INT_MIN));
}

static void what_is_no_exit_list_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {
	    "",      "abc", "-5", "1e400", "256", "5-3",   "1,",    ",1",    "1,,2",        "1-",
	    "1-2-3", " 1",  "1 ", "1, 2",  "all", "any,1", "1,any", "0-256", "99999999999", "+1",
	};
	struct exit_set s;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (parse_exit_set(&s, wrong[i]))
			fail_msg("'%s' is taken for a list of exits", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bare_number_is_seconds),
	    cmocka_unit_test(every_unit_has_its_length),
	    cmocka_unit_test(durations_can_be_put_together),
	    cmocka_unit_test(forever_has_no_end),
	    cmocka_unit_test(a_thousandth_of_a_second_loses_nothing),
	    cmocka_unit_test(what_is_no_duration_is_refused),
	    cmocka_unit_test(a_number_without_unit_stands_alone),
	    cmocka_unit_test(a_duration_beyond_the_clock_is_refused),
	    cmocka_unit_test(sizes_take_powers_of_1024),
	    cmocka_unit_test(what_is_no_size_is_refused),
	    cmocka_unit_test(a_size_beyond_any_file_is_refused),
	    cmocka_unit_test(a_number_is_plain_and_within_bounds),
	    cmocka_unit_test(exits_come_as_numbers_ranges_and_lists),
	    cmocka_unit_test(any_is_every_exit),
	    cmocka_unit_test(a_status_out_of_range_is_in_no_set),
	    cmocka_unit_test(what_is_no_exit_list_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
