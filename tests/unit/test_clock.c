/* Moments and ages. */
#include "support.h"

#include "clock.h"

#define SECOND INT64_C(1000000000)

enum { BOOT = 77, OTHER_BOOT = 78 };

/* In seconds. */
static struct moment at(int64_t wall, int64_t boot, uint64_t boot_id)
{
	return (struct moment){wall * SECOND, boot * SECOND, boot_id};
}

static void assert_age(struct moment then, struct moment now, int64_t seconds)
{
	int64_t age = moment_between(&then, &now);
	if (age != seconds * SECOND)
		fail_msg("an age of %lld ns, not %lld s", (long long)age, (long long)seconds);
}

static void both_clocks_agree_in_quiet_times(void **state)
{
	(void)state;
	assert_age(at(1000, 100, BOOT), at(1500, 600, BOOT), 500);
	assert_age(at(1000, 100, BOOT), at(1000, 100, BOOT), 0);
}

static void a_wall_clock_set_back_does_not_make_things_younger(void **state)
{
	(void)state;
	assert_age(at(1000, 100, BOOT), at(400, 600, BOOT), 500);
	assert_age(at(1000, 100, BOOT), at(1001, 600, BOOT), 500);
	assert_age(at(1000, 100, BOOT), at(1000, 600, BOOT), 500);
}

static void a_wall_clock_that_is_slewed_is_not_set(void **state)
{
	/* Either clock may be the one that is right, to the fraction of a second
	 * in which they differ. */
	(void)state;
	struct moment then = at(1000, 100, BOOT), now = at(1500, 600, BOOT);
	now.wall -= SECOND / 2;
	int64_t age = moment_between(&then, &now);
	assert_true(age >= 500 * SECOND - SECOND / 2 && age <= 500 * SECOND);
}

static void a_wall_clock_set_ahead_makes_things_older(void **state)
{
	/* Right to be careful: it may be this reading of it that is correct. */
	(void)state;
	assert_age(at(1000, 100, BOOT), at(9000, 600, BOOT), 8000);
}

static void across_boots_only_the_wall_clock_counts(void **state)
{
	(void)state;
	assert_age(at(1000, 900000, BOOT), at(1500, 10, OTHER_BOOT), 500);
	assert_age(at(1000, 10, BOOT), at(1500, 900000, OTHER_BOOT), 500);
}

static void what_lies_in_the_future_has_a_negative_age(void **state)
{
	(void)state;
	assert_age(at(1000, 100, BOOT), at(400, 10, OTHER_BOOT), -600);
	assert_age(at(1000, 100, BOOT), at(400, 50, BOOT), -50);
}

static void boots_that_are_unknown_are_not_the_same(void **state)
{
	(void)state;
	assert_age(at(1000, 100, 0), at(400, 600, 0), -600);
	assert_age(at(1000, 100, BOOT), at(400, 600, 0), -600);
	assert_age(at(1000, 100, 0), at(400, 600, BOOT), -600);
}

static void an_age_until_now_goes_by_the_same_rules(void **state)
{
	(void)state;
	struct moment now, then;
	moment_now(&now);
	if (!now.boot_id)
		skip();
	then = now;
	/* Noted an hour ago, by a wall clock that was a day ahead. */
	then.wall += 86400 * SECOND;
	then.boot -= 3600 * SECOND;
	assert_true(moment_age(&then) >= 3600 * SECOND);
	then.boot_id++;
	assert_true(moment_age(&then) < 0);
	then.boot_id = 0;
	assert_true(moment_age(&then) < 0);
	then = now;
	then.wall -= 7200 * SECOND;
	then.boot -= 7200 * SECOND;
	assert_true(moment_age(&then) >= 7200 * SECOND - SECOND);
	then.boot_id++;
	assert_true(moment_age(&then) >= 7200 * SECOND - SECOND);
}

static void now_is_one_boot_and_never_goes_back(void **state)
{
	(void)state;
	struct moment first, second;
	moment_now(&first);
	moment_now(&second);
	assert_true(first.boot_id == second.boot_id);
	assert_true(second.boot >= first.boot);
	if (first.boot_id)
		assert_true(moment_between(&first, &second) >= 0);
	int64_t mono = clock_mono_ns();
	assert_true(clock_mono_ns() >= mono);
	/* Somewhere in this century: nanoseconds, not seconds. */
	assert_true(clock_wall_ns() > INT64_C(946684800) * 1000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_clocks_agree_in_quiet_times),
	    cmocka_unit_test(a_wall_clock_set_back_does_not_make_things_younger),
	    cmocka_unit_test(a_wall_clock_that_is_slewed_is_not_set),
	    cmocka_unit_test(a_wall_clock_set_ahead_makes_things_older),
	    cmocka_unit_test(across_boots_only_the_wall_clock_counts),
	    cmocka_unit_test(what_lies_in_the_future_has_a_negative_age),
	    cmocka_unit_test(boots_that_are_unknown_are_not_the_same),
	    cmocka_unit_test(an_age_until_now_goes_by_the_same_rules),
	    cmocka_unit_test(now_is_one_boot_and_never_goes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
