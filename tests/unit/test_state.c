/* The cache's small fact sheet: secret and stamps. */
#include "support.h"

#include "clock.h"
#include "state.h"

#include <stdio.h>
#include <sys/stat.h>

static struct state read_state(struct fixture *f)
{
	struct state s;
	dpc_error err = {0};
	int rc = state_read(&s, f->home.fd, &err);
	if (rc != DPC_OK)
		fail_msg("%s", err.message);
	return s;
}

static void what_was_written_is_read(void **state)
{
	struct fixture *f = *state;
	struct state a = {.generation = 0x0102030405060708, .floor = 42}, b;
	fill_noise(a.secret, sizeof a.secret, 1);
	assert_int_equal(state_write(&a, f->home.fd, NULL), DPC_OK);
	b = read_state(f);
	assert_true(a.generation == b.generation && a.floor == b.floor);
	assert_memory_equal(a.secret, b.secret, sizeof a.secret);
}

static void writing_leaves_nothing_beside_it(void **state)
{
	struct fixture *f = *state;
	size_t before = count_files(path_in(f, "home"), NULL);
	struct state s = read_state(f);
	assert_int_equal(state_write(&s, f->home.fd, NULL), DPC_OK);
	assert_int_equal(count_files(path_in(f, "home"), NULL), before);
	struct stat st;
	assert_int_equal(stat(path_at_home(f, "state"), &st), 0);
	/* It holds a secret. */
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct fixture *f = *state;
	const char *path = path_at_home(f, "state");
	struct buf bytes = {0};
	struct state s;
	read_file(&bytes, path);
	for (size_t at = 0; at < bytes.size; at++)
		for (int bit = 0; bit < 8; bit++) {
			bytes.data[at] ^= (uint8_t)(1 << bit);
			write_file(path, bytes.data, bytes.size);
			assert_int_equal(state_read(&s, f->home.fd, NULL), DPC_E_CORRUPT);
			bytes.data[at] ^= (uint8_t)(1 << bit);
		}
	write_file(path, bytes.data, bytes.size);
	read_state(f);
	buf_release(&bytes);
}

static void every_wrong_length_is_noticed(void **state)
{
	struct fixture *f = *state;
	const char *path = path_at_home(f, "state");
	struct buf bytes = {0};
	struct state s;
	read_file(&bytes, path);
	for (size_t size = 0; size < bytes.size; size++) {
		write_file(path, bytes.data, size);
		assert_int_equal(state_read(&s, f->home.fd, NULL), DPC_E_CORRUPT);
	}
	buf_u8(&bytes, 0);
	write_file(path, bytes.data, bytes.size);
	assert_int_equal(state_read(&s, f->home.fd, NULL), DPC_E_CORRUPT);
	buf_release(&bytes);
}

static void a_missing_sheet_is_told_from_a_broken_one(void **state)
{
	struct fixture *f = *state;
	struct state s;
	dpc_error err = {0};
	assert_int_equal(unlink(path_at_home(f, "state")), 0);
	assert_int_equal(state_read(&s, f->home.fd, &err), DPC_E_NOTFOUND);
	assert_int_equal(err.code, DPC_E_NOTFOUND);
}

static void a_symbolic_link_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct state s;
	assert_int_equal(rename(path_at_home(f, "state"), path_in(f, "elsewhere")), 0);
	assert_int_equal(symlink(path_in(f, "elsewhere"), path_at_home(f, "state")), 0);
	assert_true(state_read(&s, f->home.fd, NULL) < 0);
}

static void a_new_sheet_has_a_secret_of_its_own(void **state)
{
	(void)state;
	struct state a, b;
	assert_int_equal(state_init(&a, ENGINE_SQLITE, 0, NULL), DPC_OK);
	assert_int_equal(state_init(&b, ENGINE_SQLITE, 0, NULL), DPC_OK);
	assert_memory_not_equal(a.secret, b.secret, sizeof a.secret);
}

static void a_new_sheet_buries_what_an_older_one_had_buried(void **state)
{
	/* An entry made under a sheet that was lost must not come back. */
	(void)state;
	struct state s;
	uint64_t before = (uint64_t)clock_wall_ns();
	assert_int_equal(state_init(&s, ENGINE_SQLITE, 0, NULL), DPC_OK);
	assert_true(s.floor >= before);
	assert_true(s.generation >= s.floor);
}

static void raising_the_floor_buries_all_that_began_before(void **state)
{
	(void)state;
	struct state s;
	assert_int_equal(state_init(&s, ENGINE_SQLITE, 0, NULL), DPC_OK);
	for (int i = 0; i < 1000; i++) {
		uint64_t running = s.generation;
		assert_false(running < s.floor);
		state_raise_floor(&s);
		assert_true(running < s.floor);
		assert_true(s.generation >= s.floor);
	}
}

static void raising_the_floor_never_lowers_it(void **state)
{
	/* The clock was set back by a year since it was last raised. */
	(void)state;
	struct state s = {0};
	s.generation = s.floor = (uint64_t)clock_wall_ns() + UINT64_C(31536000) * 1000000000;
	for (int i = 0; i < 3; i++) {
		struct state before = s;
		state_raise_floor(&s);
		assert_true(s.floor > before.floor);
		assert_true(s.generation > before.generation);
	}
}

static void raising_the_floor_keeps_the_secret(void **state)
{
	(void)state;
	struct state s, before;
	assert_int_equal(state_init(&s, ENGINE_SQLITE, 0, NULL), DPC_OK);
	before = s;
	state_raise_floor(&s);
	assert_memory_equal(s.secret, before.secret, sizeof s.secret);
}

static void a_home_with_a_broken_sheet_forgets_all_and_says_so(void **state)
{
	struct fixture *f = *state;
	struct state old = read_state(f);
	struct home again;
	write_text(path_at_home(f, "state"), "nonsense");
	assert_int_equal(create_home(&again, path_in(f, "home"), NULL), DPC_OK);
	assert_true(again.notice[0]);
	assert_true(again.state.floor > old.generation);
	home_close(&again);
	/* Mended: the next one has nothing to say. */
	assert_int_equal(create_home(&again, path_in(f, "home"), NULL), DPC_OK);
	assert_false(again.notice[0]);
	home_close(&again);
}

static struct state_view view_of(struct fixture *f)
{
	struct state s;
	struct state_view v = STATE_VIEW_NONE;
	assert_int_equal(state_view_read(&s, &v, f->home.fd, NULL), DPC_OK);
	return v;
}

static void a_view_holds_until_another_state_is_written(void **state)
{
	struct fixture *f = *state;
	struct state_view v = view_of(f);
	struct state s = read_state(f);
	for (int i = 0; i < 3; i++)
		assert_true(state_view_holds(&v));
	assert_int_equal(state_write(&s, f->home.fd, NULL), DPC_OK);
	assert_false(state_view_holds(&v));
	assert_false(state_view_holds(&v));
	assert_int_equal(state_view_read(&s, &v, f->home.fd, NULL), DPC_OK);
	assert_true(state_view_holds(&v));
	state_view_release(&v);
	assert_false(state_view_holds(&v));
}

static int write_and_die(void *context)
{
	struct fixture *f = context;
	struct state s;
	return state_read(&s, f->home.fd, NULL) || state_write(&s, f->home.fd, NULL);
}

static void another_process_that_writes_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct state_view v = view_of(f);
	assert_true(state_view_holds(&v));
	assert_int_equal(child_wait(child_start(write_and_die, f)), 0);
	assert_false(state_view_holds(&v));
	state_view_release(&v);
}

static void put_turn(const struct fixture *f, uint64_t number)
{
	write_file(path_at_home(f, "turn"), &number, sizeof number);
}

/* As one leaves it who is killed between the two steps: then nobody goes by it. */
static void a_turn_left_odd_hides_no_later_state(void **state)
{
	struct fixture *f = *state;
	put_turn(f, 7);
	struct state_view v = view_of(f);
	struct state s = read_state(f);
	assert_true(state_view_holds(&v));
	/* Replaced by one who did not come to telling. */
	assert_int_equal(rename(path_at_home(f, "state"), path_at_home(f, "away")), 0);
	assert_false(state_view_holds(&v));
	assert_int_equal(rename(path_at_home(f, "away"), path_at_home(f, "state")), 0);
	state_view_release(&v);
	v = view_of(f);
	assert_int_equal(state_write(&s, f->home.fd, NULL), DPC_OK);
	assert_false(state_view_holds(&v));
	state_view_release(&v);
	v = view_of(f);
	assert_true(state_view_holds(&v));
	assert_false(v.seen & 1);
	state_view_release(&v);
}

static void without_a_turn_the_file_tells(void **state)
{
	struct fixture *f = *state;
	struct state s = read_state(f);
	make_directory(path_at_home(f, "turn"));
	struct state_view v = view_of(f);
	assert_null(v.turn);
	assert_true(state_view_holds(&v));
	assert_int_equal(state_write(&s, f->home.fd, NULL), DPC_OK);
	assert_false(state_view_holds(&v));
	state_view_release(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(what_was_written_is_read),
	    with_home(writing_leaves_nothing_beside_it),
	    with_home(every_flipped_bit_is_noticed),
	    with_home(every_wrong_length_is_noticed),
	    with_home(a_missing_sheet_is_told_from_a_broken_one),
	    with_home(a_symbolic_link_is_not_followed),
	    cmocka_unit_test(a_new_sheet_has_a_secret_of_its_own),
	    cmocka_unit_test(a_new_sheet_buries_what_an_older_one_had_buried),
	    cmocka_unit_test(raising_the_floor_buries_all_that_began_before),
	    cmocka_unit_test(raising_the_floor_never_lowers_it),
	    cmocka_unit_test(raising_the_floor_keeps_the_secret),
	    with_home(a_home_with_a_broken_sheet_forgets_all_and_says_so),
	    with_home(a_view_holds_until_another_state_is_written),
	    with_home(another_process_that_writes_is_noticed),
	    with_home(a_turn_left_odd_hides_no_later_state),
	    with_home(without_a_turn_the_file_tells),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
