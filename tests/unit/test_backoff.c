/* Notes of failures: how long a source is left alone. */
#include "support.h"

#include "backoff.h"

#include <fcntl.h>

#define SECOND INT64_C(1000000000)

static struct fixture *f;
static struct digest key;
static struct policy plain;

static int backoff_setup(void **state)
{
	int rc = fixture_setup(state);
	f = *state;
	key = digest_named("key");
	plain = (struct policy){.ttl = 3600 * SECOND};
	return rc;
}

#define with_key(test) cmocka_unit_test_setup_teardown(test, backoff_setup, fixture_teardown)

static int64_t left(const struct policy *p)
{
	return backoff_left(&f->home, &key, p);
}

static const char *note_path(void)
{
	char name[SHELF_NAME + 4];
	shelf_name(name, &key);
	strcat(name, ".err");
	return path_at_home(f, name);
}

/* As the file has it. */
struct note {
	uint64_t sum, failures;
	struct moment last;
};

/* So many failures in a row, the last so long ago by both clocks, or by the wall
 * clock alone. */
static void note(uint64_t failures, int64_t ago, int64_t wall_ago)
{
	struct note n = {.failures = failures};
	moment_now(&n.last);
	n.last.wall -= wall_ago;
	n.last.boot -= ago;
	n.sum = hash64(&n.failures, sizeof n - sizeof n.sum);
	backoff_note(&f->home, &key);
	write_file(note_path(), &n, sizeof n);
}

static void without_a_note_there_is_no_pause(void **state)
{
	(void)state;
	assert_true(left(&plain) == 0);
	struct policy p = plain;
	p.ttl_fail = DPC_FOREVER;
	assert_true(left(&p) == 0);
}

/* However long this takes, what is left and what has gone by make the pause. */
static void assert_pause(uint64_t failures, int64_t pause)
{
	int64_t start = clock_wall_ns();
	note(failures, 0, 0);
	int64_t now = left(&plain);
	assert_true(now <= pause && now + (clock_wall_ns() - start) >= pause);
	note(failures, pause + 1, pause + 1);
	assert_true(left(&plain) == 0);
}

static void the_pause_doubles_up_to_a_minute(void **state)
{
	(void)state;
	static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60};
	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
		assert_pause(i + 1, seconds[i] * SECOND);
	assert_pause(UINT64_MAX, 60 * SECOND);
}

static void each_failure_in_a_row_counts(void **state)
{
	(void)state;
	struct buf b = {0};
	struct note n;
	for (int i = 0; i < 3; i++)
		backoff_note(&f->home, &key);
	read_file(&b, note_path());
	assert_int_equal(b.size, sizeof n);
	memcpy(&n, b.data, sizeof n);
	assert_int_equal(n.failures, 3);
	buf_release(&b);
}

static void the_ttl_of_failures_is_the_pause_where_there_is_one(void **state)
{
	(void)state;
	struct policy p = plain;
	p.ttl_fail = 3600 * SECOND;
	note(1, 1800 * SECOND, 1800 * SECOND);
	int64_t now = left(&p);
	assert_true(now > 0 && now <= 1800 * SECOND);
	p.ttl_fail = 1;
	note(9, SECOND, SECOND);
	assert_true(left(&p) == 0);
	p.ttl_fail = DPC_FOREVER;
	assert_true(left(&p) > 0);
}

static void another_key_is_another_source(void **state)
{
	(void)state;
	struct digest other = digest_named("other");
	note(9, 0, 0);
	assert_true(backoff_left(&f->home, &other, &plain) == 0);
}

static void cleared_there_is_no_pause_and_the_count_begins_anew(void **state)
{
	(void)state;
	note(9, 0, 0);
	backoff_clear(&f->home, &key);
	assert_true(left(&plain) == 0);
	assert_int_equal(access(note_path(), F_OK), -1);
	/* Nothing to clear is no harm. */
	backoff_clear(&f->home, &key);
	backoff_note(&f->home, &key);
	assert_true(left(&plain) <= SECOND);
}

static void damaged_in_any_byte_it_is_none(void **state)
{
	(void)state;
	struct buf b = {0};
	note(9, 0, 0);
	read_file(&b, note_path());
	for (size_t at = 0; at < b.size; at++) {
		b.data[at] ^= 0x55;
		write_file(note_path(), b.data, b.size);
		assert_true(left(&plain) == 0);
		b.data[at] ^= 0x55;
	}
	write_file(note_path(), b.data, b.size);
	assert_true(left(&plain) > 0);
	buf_release(&b);
}

static void cut_short_anywhere_it_is_none(void **state)
{
	(void)state;
	struct buf b = {0};
	note(9, 0, 0);
	read_file(&b, note_path());
	for (size_t size = 0; size < b.size; size++) {
		write_file(note_path(), b.data, size);
		assert_true(left(&plain) == 0);
	}
	buf_release(&b);
	/* And the next failure is the first. */
	backoff_note(&f->home, &key);
	assert_true(left(&plain) <= SECOND);
}

static void a_failure_in_the_future_is_no_pause(void **state)
{
	(void)state;
	struct policy p = plain;
	p.ttl_fail = DPC_FOREVER;
	note(9, -7200 * SECOND, -7200 * SECOND);
	assert_true(left(&plain) == 0);
	assert_true(left(&p) == 0);
}

static void a_wall_clock_set_back_makes_no_pause_longer(void **state)
{
	(void)state;
	struct moment m;
	moment_now(&m);
	if (!m.boot_id)
		skip();
	/* Noted by a clock that was a day ahead, two minutes ago. */
	note(9, 120 * SECOND, -86400 * SECOND);
	assert_true(left(&plain) == 0);
	note(9, 20 * SECOND, -86400 * SECOND);
	assert_true(left(&plain) <= 40 * SECOND);
}

static void its_file_is_known_by_name_and_sum(void **state)
{
	(void)state;
	char name[SHELF_NAME + 4];
	backoff_note(&f->home, &key);
	shelf_name(name, &key);
	assert_false(backoff_is_name(name));
	assert_false(backoff_is_name(".err"));
	assert_false(backoff_is_intact(&f->home, name));
	strcat(name, ".err");
	assert_true(backoff_is_name(name));
	assert_true(backoff_is_intact(&f->home, name));
	write_text(note_path(), "nonsense");
	assert_false(backoff_is_intact(&f->home, name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_key(without_a_note_there_is_no_pause),
	    with_key(the_pause_doubles_up_to_a_minute),
	    with_key(each_failure_in_a_row_counts),
	    with_key(the_ttl_of_failures_is_the_pause_where_there_is_one),
	    with_key(another_key_is_another_source),
	    with_key(cleared_there_is_no_pause_and_the_count_begins_anew),
	    with_key(damaged_in_any_byte_it_is_none),
	    with_key(cut_short_anywhere_it_is_none),
	    with_key(a_failure_in_the_future_is_no_pause),
	    with_key(a_wall_clock_set_back_makes_no_pause_longer),
	    with_key(its_file_is_known_by_name_and_sum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
