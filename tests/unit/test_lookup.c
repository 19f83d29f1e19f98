/* Policy + entry + clock → verdict. */
#include "support.h"

#include "lookup.h"

#include <signal.h>

#define HOUR (INT64_C(3600) * 1000000000)

/* Times are hours, so that no machine is too slow for a verdict. */

enum { FLOOR = 100 };

static const int32_t EXIT_0 = 0, EXIT_1 = 1 << 8;

static struct capsule made(int32_t status, int64_t hours_ago)
{
	struct capsule c = {.state = CAPSULE_DONE, .generation = FLOOR, .status = status};
	moment_now(&c.created);
	c.created.wall -= hours_ago * HOUR;
	c.created.boot -= hours_ago * HOUR;
	return c;
}

static struct policy policy(int64_t ttl, int64_t ttl_fail, const char *exits)
{
	struct policy p = {.ttl = ttl, .ttl_fail = ttl_fail};
	assert_true(parse_exit_set(&p.cache_exit, exits));
	return p;
}

static int64_t age;

static enum verdict judge(const struct capsule *c, const struct policy *p)
{
	struct state s = {.generation = FLOOR, .floor = FLOOR};
	age = INT64_MIN;
	return lookup_judge(&age, c, p, &s);
}

static void an_entry_is_fresh_until_its_ttl_is_over(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_0, 2);
	struct policy longer = policy(3 * HOUR, 0, "0"), shorter = policy(HOUR, 0, "0");
	assert_int_equal(judge(&c, &longer), VERDICT_FRESH);
	assert_true(age >= 2 * HOUR - HOUR / 2 && age < 3 * HOUR);
	assert_int_equal(judge(&c, &shorter), VERDICT_EXPIRED);
	assert_true(age >= 2 * HOUR - HOUR / 2);
}

static void the_writers_ttl_decides_nothing(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_0, 2);
	struct policy longer = policy(3 * HOUR, 0, "0"), shorter = policy(HOUR, 0, "0");
	c.ttl = 1;
	assert_int_equal(judge(&c, &longer), VERDICT_FRESH);
	c.ttl = DPC_FOREVER;
	assert_int_equal(judge(&c, &shorter), VERDICT_EXPIRED);
}

static void forever_is_longer_than_any_age(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_0, 24 * 365 * 40);
	struct policy p = policy(DPC_FOREVER, 0, "0");
	assert_int_equal(judge(&c, &p), VERDICT_FRESH);
}

static void a_ttl_of_nothing_is_never_fresh(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_0, 0);
	struct policy p = policy(0, 0, "0");
	assert_int_equal(judge(&c, &p), VERDICT_EXPIRED);
}

static void a_failure_lives_for_the_ttl_of_failures(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_1, 2);
	struct policy longer = policy(100 * HOUR, 3 * HOUR, "0"), shorter = policy(100 * HOUR, HOUR, "0");
	assert_int_equal(judge(&c, &longer), VERDICT_FRESH);
	assert_int_equal(judge(&c, &shorter), VERDICT_FAILED);
}

static void a_failure_is_not_kept_by_default(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_1, 0);
	struct policy p = policy(100 * HOUR, 0, "0");
	assert_int_equal(judge(&c, &p), VERDICT_FAILED);
}

static void a_status_worth_keeping_is_no_failure(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_1, 2);
	struct policy p = policy(100 * HOUR, 0, "0-1");
	assert_int_equal(judge(&c, &p), VERDICT_FRESH);
	p = policy(100 * HOUR, 0, "any");
	assert_int_equal(judge(&c, &p), VERDICT_FRESH);
	/* And 0 may be none. */
	c = made(EXIT_0, 2);
	p = policy(100 * HOUR, 0, "1");
	assert_int_equal(judge(&c, &p), VERDICT_FAILED);
}

static void death_by_signal_counts_as_128_and_the_signal(void **state)
{
	(void)state;
	struct policy p = policy(100 * HOUR, 0, "137");
	assert_true(lookup_ttl(&p, SIGKILL) == 100 * HOUR);
	assert_true(lookup_ttl(&p, SIGTERM) == 0);
	assert_true(lookup_ttl(&p, 137 << 8) == 100 * HOUR);
	assert_true(lookup_ttl(&p, EXIT_0) == 0);
	/* With a core dump beside it. */
	assert_true(lookup_ttl(&p, SIGKILL | 0x80) == 100 * HOUR);
}

static void what_was_made_in_the_future_is_no_answer(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_0, -2);
	struct policy p = policy(DPC_FOREVER, DPC_FOREVER, "any");
	assert_int_equal(judge(&c, &p), VERDICT_FUTURE);
	assert_true(age < 0);
}

static void a_wall_clock_set_back_keeps_nothing_fresh_for_longer(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_0, 2);
	struct policy p = policy(HOUR, 0, "0");
	if (!c.created.boot_id)
		skip();
	/* When it was made, the clock was a day ahead. */
	c.created.wall += 24 * HOUR;
	assert_int_equal(judge(&c, &p), VERDICT_EXPIRED);
	/* By the wall clock alone, it would be half an hour old. */
	c.created.wall = made(EXIT_0, 0).created.wall - HOUR / 2;
	assert_int_equal(judge(&c, &p), VERDICT_EXPIRED);
}

static void below_the_floor_is_invalid_whatever_its_age(void **state)
{
	(void)state;
	struct policy p = policy(DPC_FOREVER, DPC_FOREVER, "any");
	for (int64_t hours = -2; hours <= 2; hours += 2) {
		struct capsule c = made(EXIT_0, hours);
		c.generation = FLOOR - 1;
		assert_int_equal(judge(&c, &p), VERDICT_INVALIDATED);
		assert_true(age > INT64_MIN);
	}
	struct capsule c = made(EXIT_0, 2);
	c.generation = FLOOR + 1;
	assert_int_equal(judge(&c, &p), VERDICT_FRESH);
}

static void voided_in_any_bit_is_invalid(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_0, 2);
	struct policy p = policy(DPC_FOREVER, DPC_FOREVER, "any");
	for (int bit = 0; bit < 32; bit++) {
		c.voided = UINT32_C(1) << bit;
		assert_int_equal(judge(&c, &p), VERDICT_INVALIDATED);
	}
}

static void every_verdict_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int v = VERDICT_FRESH; v <= VERDICT_INVALIDATED; v++)
		for (int w = VERDICT_FRESH; w < v; w++)
			assert_string_not_equal(lookup_verdict_name((enum verdict)v),
			                        lookup_verdict_name((enum verdict)w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_entry_is_fresh_until_its_ttl_is_over),
	    cmocka_unit_test(the_writers_ttl_decides_nothing),
	    cmocka_unit_test(forever_is_longer_than_any_age),
	    cmocka_unit_test(a_ttl_of_nothing_is_never_fresh),
	    cmocka_unit_test(a_failure_lives_for_the_ttl_of_failures),
	    cmocka_unit_test(a_failure_is_not_kept_by_default),
	    cmocka_unit_test(a_status_worth_keeping_is_no_failure),
	    cmocka_unit_test(death_by_signal_counts_as_128_and_the_signal),
	    cmocka_unit_test(what_was_made_in_the_future_is_no_answer),
	    cmocka_unit_test(a_wall_clock_set_back_keeps_nothing_fresh_for_longer),
	    cmocka_unit_test(below_the_floor_is_invalid_whatever_its_age),
	    cmocka_unit_test(voided_in_any_bit_is_invalid),
	    cmocka_unit_test(every_verdict_has_a_name_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
