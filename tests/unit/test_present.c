/* What is certainly not in the store. */
#include "support.h"

#include "present.h"
#include "store.h"

#include <sys/stat.h>

static struct digest numbered(uint64_t n)
{
	return hash128(&n, sizeof n);
}

static bool maybe(const struct fixture *f, uint64_t n)
{
	struct digest key = numbered(n);
	return present_maybe(&f->home, &key);
}

static void add(const struct fixture *f, uint64_t n)
{
	struct digest key = numbered(n);
	present_add(&f->home, &key);
}

static void without_a_filter_everything_may_be_present(void **state)
{
	struct fixture *f = *state;
	assert_true(maybe(f, 1));
	/* Adding to none makes none: it would hide what is there already. */
	add(f, 1);
	assert_true(maybe(f, 1));
	assert_true(maybe(f, 2));
}

static void what_was_added_is_never_denied(void **state)
{
	struct fixture *f = *state;
	present_end(&f->home, present_begin(&f->home), true);
	for (uint64_t n = 0; n < 2000; n++) {
		add(f, n);
		assert_true(maybe(f, n));
	}
	for (uint64_t n = 0; n < 2000; n++)
		assert_true(maybe(f, n));
}

static void most_of_what_was_not_added_is_denied(void **state)
{
	struct fixture *f = *state;
	present_end(&f->home, present_begin(&f->home), true);
	for (uint64_t n = 0; n < 1000; n++)
		assert_false(maybe(f, n));
	for (uint64_t n = 0; n < 1000; n++)
		add(f, n);
	int wrong = 0;
	for (uint64_t n = 1000; n < 11000; n++)
		wrong += maybe(f, n);
	assert_in_range(wrong, 0, 100);
}

static void a_fresh_filter_denies_all_again(void **state)
{
	struct fixture *f = *state;
	present_end(&f->home, present_begin(&f->home), true);
	add(f, 1);
	present_end(&f->home, present_begin(&f->home), true);
	assert_false(maybe(f, 1));
}

static void the_file_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	struct digest last;
	present_end(&f->home, present_begin(&f->home), true);
	memset(last.bytes, 0xff, sizeof last.bytes);
	present_add(&f->home, &last);
	assert_true(present_maybe(&f->home, &last));
	for (uint64_t n = 0; n < 1000; n++)
		add(f, n);
	assert_int_equal(stat(path_at_home(f, "present"), &st), 0);
	assert_true(st.st_size <= 2 << 20);
}

static void a_symbolic_link_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	write_text(path_in(f, "elsewhere"), "");
	assert_int_equal(symlink(path_in(f, "elsewhere"), path_at_home(f, "present")), 0);
	add(f, 1);
	assert_true(maybe(f, 2));
	assert_int_equal(stat(path_in(f, "elsewhere"), &st), 0);
	assert_int_equal(st.st_size, 0);
}

static void put(struct store *s, uint64_t n)
{
	struct entry_info e = {.key = numbered(n)};
	struct buf old = {0};
	assert_int_equal(store_put(s, &e, slice_of("x"), &old, NULL), DPC_OK);
	buf_release(&old);
}

static bool store_maybe(const struct fixture *f, uint64_t n)
{
	struct digest key = numbered(n);
	return store_maybe_has(&f->home, &key);
}

static void the_store_keeps_its_filter(void **state)
{
	struct fixture *f = *state;
	struct store s;
	assert_int_equal(store_open(&s, &f->home, true, NULL), DPC_OK);
	assert_false(store_maybe(f, 1));
	put(&s, 1);
	put(&s, 2);
	assert_true(store_maybe(f, 1));
	struct digest key = numbered(1);
	struct buf old = {0};
	assert_int_equal(store_remove(&s, &key, &old, NULL), DPC_OK);
	assert_int_equal(store_refilter(&s, NULL), DPC_OK);
	assert_false(store_maybe(f, 1));
	assert_true(store_maybe(f, 2));
	store_close(&s);
	/* One that was lost is no harm, and can be had back. */
	assert_int_equal(unlink(path_at_home(f, "present")), 0);
	assert_true(store_maybe(f, 1));
	assert_int_equal(store_open(&s, &f->home, false, NULL), DPC_OK);
	assert_int_equal(store_refilter(&s, NULL), DPC_OK);
	assert_false(store_maybe(f, 1));
	assert_true(store_maybe(f, 2));
	store_close(&s);
}

static void a_new_store_has_a_fresh_filter(void **state)
{
	struct fixture *f = *state;
	struct store s;
	present_end(&f->home, present_begin(&f->home), true);
	add(f, 1);
	assert_int_equal(store_open(&s, &f->home, true, NULL), DPC_OK);
	store_close(&s);
	assert_false(store_maybe(f, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(without_a_filter_everything_may_be_present),
	    with_home(what_was_added_is_never_denied),
	    with_home(most_of_what_was_not_added_is_denied),
	    with_home(a_fresh_filter_denies_all_again),
	    with_home(the_file_is_bounded),
	    with_home(a_symbolic_link_is_not_followed),
	    with_home(the_store_keeps_its_filter),
	    with_home(a_new_store_has_a_fresh_filter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
