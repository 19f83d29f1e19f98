/* The stat tuple. */
#include "support.h"

#include "clock.h"
#include "tuple.h"

#include <sys/stat.h>

#define SECOND INT64_C(1000000000)

static struct tuple sample(void)
{
	return (struct tuple){
	    .dev = 1, .ino = 2, .size = 3, .mtime = 4, .ctime = 100 * SECOND, .seen = 200 * SECOND};
}

static void a_stat_is_taken_over_to_the_nanosecond(void **state)
{
	(void)state;
	struct stat st = {0};
	struct tuple t;
	st.st_dev = 11;
	st.st_ino = 12;
	st.st_size = 13;
	st.st_mtim = (struct timespec){14, 999999999};
	st.st_ctim = (struct timespec){15, 1};
	tuple_of(&t, &st, 16);
	assert_true(t.dev == 11 && t.ino == 12 && t.size == 13 && t.seen == 16);
	assert_true(t.mtime == 14 * SECOND + 999999999);
	assert_true(t.ctime == 15 * SECOND + 1);
}

static void every_part_but_the_time_of_the_look_makes_it_another(void **state)
{
	(void)state;
	struct tuple a = sample(), b;
	b = a;
	assert_true(tuple_same(&a, &b));
	b.seen++;
	assert_true(tuple_same(&a, &b));
	b = a, b.dev++;
	assert_false(tuple_same(&a, &b));
	b = a, b.ino++;
	assert_false(tuple_same(&a, &b));
	b = a, b.size++;
	assert_false(tuple_same(&a, &b));
	b = a, b.mtime++;
	assert_false(tuple_same(&a, &b));
	b = a, b.ctime++;
	assert_false(tuple_same(&a, &b));
}

static void a_file_changed_within_a_tick_of_the_look_is_racy(void **state)
{
	(void)state;
	struct tuple t = sample();
	t.ctime = t.seen;
	assert_true(tuple_racy(&t));
	t.ctime = t.seen - 2 * SECOND + 1;
	assert_true(tuple_racy(&t));
	t.ctime = t.seen - 2 * SECOND;
	assert_false(tuple_racy(&t));
}

static void a_file_changed_after_the_look_is_racy(void **state)
{
	(void)state;
	struct tuple t = sample();
	t.ctime = t.seen + 3600 * SECOND;
	assert_true(tuple_racy(&t));
}

static void a_look_that_is_not_to_be_trusted_is_racy(void **state)
{
	(void)state;
	struct tuple t = sample();
	t.seen = 0;
	assert_true(tuple_racy(&t));
}

static void a_modification_time_set_by_hand_changes_nothing(void **state)
{
	/* touch -d can set any mtime: only ctime tells when something changed. */
	(void)state;
	struct tuple t = sample();
	t.mtime = t.seen;
	assert_false(tuple_racy(&t));
	t.mtime = 0;
	t.ctime = t.seen;
	assert_true(tuple_racy(&t));
}

static void a_file_just_written_is_racy(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	struct tuple t;
	write_text(path_in(f, "new"), "x");
	assert_int_equal(stat(path_in(f, "new"), &st), 0);
	tuple_of(&t, &st, clock_wall_ns());
	assert_true(tuple_racy(&t));
}

static void what_was_put_comes_back(void **state)
{
	(void)state;
	struct tuple a = {UINT64_MAX, 1, UINT64_C(1) << 40, -5, INT64_MAX, INT64_MIN}, b;
	struct buf bytes = {0};
	tuple_put(&bytes, &a);
	assert_int_equal(bytes.size, TUPLE_SIZE);
	struct cursor c = {bytes.data, bytes.data + bytes.size, false};
	tuple_get(&c, &b);
	assert_false(c.bad);
	assert_ptr_equal(c.at, c.end);
	assert_true(tuple_same(&a, &b));
	assert_true(a.seen == b.seen);
	c = (struct cursor){bytes.data, bytes.data + bytes.size - 1, false};
	tuple_get(&c, &b);
	assert_true(c.bad);
	buf_release(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_stat_is_taken_over_to_the_nanosecond),
	    cmocka_unit_test(every_part_but_the_time_of_the_look_makes_it_another),
	    cmocka_unit_test(a_file_changed_within_a_tick_of_the_look_is_racy),
	    cmocka_unit_test(a_file_changed_after_the_look_is_racy),
	    cmocka_unit_test(a_look_that_is_not_to_be_trusted_is_racy),
	    cmocka_unit_test(a_modification_time_set_by_hand_changes_nothing),
	    with_home(a_file_just_written_is_racy),
	    cmocka_unit_test(what_was_put_comes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
