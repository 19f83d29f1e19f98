/* Policy + entry + clock → verdict. */
#include "support.h"

#include "lookup.h"

#include <math.h>
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

/* --- past the ttl --- */

static struct policy windows(int64_t ttl, int64_t stale, int64_t stale_if_error)
{
	struct policy p = policy(ttl, 0, "0");
	p.stale = stale;
	p.stale_if_error = stale_if_error;
	return p;
}

static void past_the_ttl_come_the_windows_one_after_the_other(void **state)
{
	(void)state;
	static const struct {
		int64_t hours;
		enum verdict verdict;
	} steps[] = {{0, VERDICT_FRESH}, {2, VERDICT_STALE}, {4, VERDICT_STALE}, {6, VERDICT_FOR_ERROR},
	             {9, VERDICT_FOR_ERROR}, {11, VERDICT_EXPIRED}};
	/* Both count from the end of the ttl. */
	struct policy p = windows(HOUR, 4 * HOUR, 9 * HOUR);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct capsule c = made(EXIT_0, steps[i].hours);
		assert_int_equal(judge(&c, &p), steps[i].verdict);
	}
}

static void each_window_alone_does_what_it_says(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_0, 2);
	struct policy stale = windows(HOUR, 2 * HOUR, 0), error = windows(HOUR, 0, 2 * HOUR);
	assert_int_equal(judge(&c, &stale), VERDICT_STALE);
	assert_int_equal(judge(&c, &error), VERDICT_FOR_ERROR);
	c = made(EXIT_0, 4);
	assert_int_equal(judge(&c, &stale), VERDICT_EXPIRED);
	assert_int_equal(judge(&c, &error), VERDICT_EXPIRED);
}

static void a_ttl_of_nothing_leaves_the_windows(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_0, 0);
	struct policy stale = windows(0, HOUR, 0), error = windows(0, 0, HOUR);
	assert_int_equal(judge(&c, &stale), VERDICT_STALE);
	assert_int_equal(judge(&c, &error), VERDICT_FOR_ERROR);
}

static void a_window_may_last_forever(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_0, 24 * 365 * 40);
	struct policy stale = windows(HOUR, DPC_FOREVER, 0), error = windows(HOUR, 0, DPC_FOREVER);
	struct policy both = windows(DPC_FOREVER, DPC_FOREVER, DPC_FOREVER);
	assert_int_equal(judge(&c, &stale), VERDICT_STALE);
	assert_int_equal(judge(&c, &error), VERDICT_FOR_ERROR);
	assert_int_equal(judge(&c, &both), VERDICT_FRESH);
}

static void no_window_saves_a_failure_the_future_or_what_was_invalidated(void **state)
{
	(void)state;
	struct policy p = windows(0, DPC_FOREVER, DPC_FOREVER);
	struct capsule c = made(EXIT_1, 1);
	assert_int_equal(judge(&c, &p), VERDICT_FAILED);
	c = made(EXIT_0, -2);
	assert_int_equal(judge(&c, &p), VERDICT_FUTURE);
	c = made(EXIT_0, 1);
	c.generation = FLOOR - 1;
	assert_int_equal(judge(&c, &p), VERDICT_INVALIDATED);
}

static void what_serves_and_what_is_old_exclude_each_other(void **state)
{
	(void)state;
	for (int v = VERDICT_FRESH; v <= VERDICT_INVALIDATED; v++)
		assert_false(verdict_serves((enum verdict)v) && verdict_is_old((enum verdict)v));
	assert_true(verdict_serves(VERDICT_EARLY) && verdict_serves(VERDICT_STALE));
	assert_true(verdict_is_old(VERDICT_FOR_ERROR) && verdict_is_old(VERDICT_EXPIRED));
	assert_false(verdict_is_old(VERDICT_FAILED) || verdict_is_old(VERDICT_FUTURE));
}

/* --- ahead of it --- */

static void early_is_the_formula(void **state)
{
	(void)state;
	static const double betas[] = {0.25, 1, 3};
	uint64_t random[200];
	fill_noise((uint8_t *)random, sizeof random, 7);
	for (size_t i = 0; i < sizeof random / sizeof *random; i++)
		for (size_t b = 0; b < sizeof betas / sizeof *betas; b++) {
			double u = ((double)(random[i] >> 11) + 1) / 9007199254740992.0;
			double border = -1e9 * betas[b] * log(u);
			assert_true(lookup_is_early((int64_t)(border * 0.999), 1000000000, betas[b], random[i]));
			assert_false(lookup_is_early((int64_t)(border * 1.001) + 2, 1000000000, betas[b], random[i]));
		}
}

static void early_at_the_ends_of_chance(void **state)
{
	(void)state;
	/* U is 1: only at the very end. U is the least there is: -ln U is 36.7. */
	assert_false(lookup_is_early(1, HOUR, 1, UINT64_MAX));
	assert_true(lookup_is_early(0, HOUR, 1, UINT64_MAX));
	assert_true(lookup_is_early(36 * HOUR, HOUR, 1, 0));
	assert_false(lookup_is_early(37 * HOUR, HOUR, 1, 0));
	/* What took no time is never early. */
	assert_false(lookup_is_early(1, 0, 1, 0));
}

static void early_the_likelier_the_less_is_left(void **state)
{
	(void)state;
	uint64_t random[100];
	fill_noise((uint8_t *)random, sizeof random, 9);
	for (size_t i = 0; i < sizeof random / sizeof *random; i++) {
		bool was = true;
		for (int64_t left = 0; left < 40 * HOUR; left += HOUR / 4) {
			bool is = lookup_is_early(left, HOUR, 1, random[i]);
			assert_true(was || !is);
			was = is;
		}
		assert_false(was);
	}
}

static void early_is_a_verdict_only_while_fresh(void **state)
{
	(void)state;
	struct capsule c = made(EXIT_0, 2);
	struct policy p = policy(3 * HOUR, 0, "0");
	c.cost = HOUR;
	p.early = 1e-9;
	for (int i = 0; i < 100; i++)
		assert_int_equal(judge(&c, &p), VERDICT_FRESH);
	p.early = 1e8;
	/* Of chance but for one in a hundred millions. */
	int early = 0;
	for (int i = 0; i < 10; i++)
		early += judge(&c, &p) == VERDICT_EARLY;
	assert_true(early >= 9);
	p.ttl = DPC_FOREVER;
	assert_int_equal(judge(&c, &p), VERDICT_FRESH);
	p.ttl = HOUR;
	assert_int_equal(judge(&c, &p), VERDICT_EXPIRED);
}

/* --- jitter --- */

static void jitter_shortens_by_a_share_of_its_own_within_bounds(void **state)
{
	(void)state;
	struct policy p = policy(100 * HOUR, 0, "0");
	int fresh = 0;
	p.jitter = 50;
	for (int i = 0; i < 200; i++) {
		struct capsule inside = made(EXIT_0, 49), between = made(EXIT_0, 75), past = made(EXIT_0, 101);
		inside.created.wall += i;
		between.created.wall += i;
		past.created.wall += i;
		assert_int_equal(judge(&inside, &p), VERDICT_FRESH);
		assert_int_equal(judge(&past, &p), VERDICT_EXPIRED);
		enum verdict first = judge(&between, &p);
		/* The same for all who ask. */
		for (int again = 0; again < 3; again++)
			assert_int_equal(judge(&between, &p), first);
		fresh += first == VERDICT_FRESH;
	}
	/* Half of them; at least some of each. */
	assert_true(fresh > 20 && fresh < 180);
}

static void jitter_of_the_whole_ttl_is_bounded_too(void **state)
{
	(void)state;
	struct policy p = policy(HOUR, 0, "0");
	p.jitter = 100;
	for (int i = 0; i < 100; i++) {
		struct capsule c = made(EXIT_0, 2);
		c.created.wall -= i;
		assert_int_equal(judge(&c, &p), VERDICT_EXPIRED);
	}
	p.ttl = DPC_FOREVER;
	struct capsule c = made(EXIT_0, 24 * 365 * 40);
	assert_int_equal(judge(&c, &p), VERDICT_FRESH);
}

static void what_is_left_ends_when_the_verdict_does(void **state)
{
	(void)state;
	struct policy p = policy(3 * HOUR, HOUR, "0");
	for (int i = 0; i < 100; i++) {
		struct capsule c = made(i % 2 ? EXIT_0 : EXIT_1, 2);
		c.created.wall -= i;
		p.jitter = i;
		enum verdict v = judge(&c, &p);
		assert_int_equal(v == VERDICT_FRESH, lookup_left(&c, &p, age) >= 0);
	}
	struct capsule good = made(EXIT_0, 2);
	p.jitter = 0;
	judge(&good, &p);
	assert_true(lookup_left(&good, &p, age) == 3 * HOUR - age);
	p.ttl = DPC_FOREVER;
	assert_true(lookup_left(&good, &p, age) == DPC_FOREVER);
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
	    cmocka_unit_test(past_the_ttl_come_the_windows_one_after_the_other),
	    cmocka_unit_test(each_window_alone_does_what_it_says),
	    cmocka_unit_test(a_ttl_of_nothing_leaves_the_windows),
	    cmocka_unit_test(a_window_may_last_forever),
	    cmocka_unit_test(no_window_saves_a_failure_the_future_or_what_was_invalidated),
	    cmocka_unit_test(what_serves_and_what_is_old_exclude_each_other),
	    cmocka_unit_test(early_is_the_formula),
	    cmocka_unit_test(early_at_the_ends_of_chance),
	    cmocka_unit_test(early_the_likelier_the_less_is_left),
	    cmocka_unit_test(early_is_a_verdict_only_while_fresh),
	    cmocka_unit_test(jitter_shortens_by_a_share_of_its_own_within_bounds),
	    cmocka_unit_test(jitter_of_the_whole_ttl_is_bounded_too),
	    cmocka_unit_test(what_is_left_ends_when_the_verdict_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
