/* What a process remembers by itself. */
#include "support.h"

#include "memory.h"

#include <stdio.h>

enum { ROOMY = 1 << 20, FOREVER_NS = 1 << 30 };

static bool keep(struct memory *m, const char *name, const char *text, int64_t now)
{
	struct digest key = digest_named(name);
	return memory_put(m, &key, slice_of(text), now);
}

/* What is there at `now`, if at most `age` old; or NULL. */
static const char *kept(struct memory *m, const char *name, int64_t now, int64_t age)
{
	static char text[2048];
	struct digest key = digest_named(name);
	size_t size;
	const uint8_t *bytes = memory_get(&size, m, &key, now, age);
	if (bytes)
		snprintf(text, sizeof text, "%.*s", (int)size, (const char *)bytes);
	return bytes ? text : NULL;
}

static bool drop(struct memory *m, const char *name)
{
	struct digest key = digest_named(name);
	return memory_remove(m, &key);
}

static void what_was_put_is_got_until_it_is_replaced_or_removed(void **state)
{
	(void)state;
	struct memory *m = memory_new(ROOMY);
	assert_null(kept(m, "a", 1, FOREVER_NS));
	assert_true(keep(m, "a", "one", 1));
	assert_true(keep(m, "b", "", 1));
	assert_string_equal(kept(m, "a", 1, FOREVER_NS), "one");
	assert_string_equal(kept(m, "b", 1, FOREVER_NS), "");
	assert_true(keep(m, "a", "another", 2));
	assert_string_equal(kept(m, "a", 2, FOREVER_NS), "another");
	assert_int_equal(memory_count(m), 2);
	assert_true(drop(m, "a"));
	assert_false(drop(m, "a"));
	assert_null(kept(m, "a", 2, FOREVER_NS));
	assert_true(drop(m, "b"));
	assert_int_equal(memory_count(m), 0);
	assert_int_equal(memory_bytes(m), 0);
	memory_free(m);
}

static void what_is_too_old_is_gone(void **state)
{
	(void)state;
	struct memory *m = memory_new(ROOMY);
	keep(m, "a", "a", 100);
	assert_non_null(kept(m, "a", 150, 50));
	assert_null(kept(m, "a", 151, 50));
	assert_int_equal(memory_count(m), 0);
	/* A clock that was set back makes it none younger. */
	keep(m, "a", "a", 100);
	assert_null(kept(m, "a", 99, 50));
	memory_free(m);
}

static void it_never_holds_more_than_its_limit(void **state)
{
	(void)state;
	enum { LIMIT = 100000 };
	struct memory *m = memory_new(LIMIT);
	char text[1000], name[16];
	memset(text, 'x', sizeof text - 1);
	for (int i = 0; i < 5000; i++) {
		text[100 + i % 800] = '\0';
		snprintf(name, sizeof name, "%d", i);
		assert_true(keep(m, name, text, i));
		assert_true(memory_bytes(m) <= LIMIT);
		assert_string_equal(kept(m, name, i, 0), text);
		text[100 + i % 800] = 'x';
	}
	assert_true(memory_count(m) > 50);
	memory_free(m);
}

static void what_is_larger_than_the_limit_is_not_kept_nor_what_it_replaces(void **state)
{
	(void)state;
	struct memory *m = memory_new(300);
	char large[400];
	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	assert_true(keep(m, "a", "a", 1));
	assert_true(keep(m, "b", "b", 1));
	assert_false(keep(m, "a", large, 1));
	assert_null(kept(m, "a", 1, FOREVER_NS));
	assert_non_null(kept(m, "b", 1, FOREVER_NS));
	memory_free(m);
}

static void what_is_asked_for_outlives_what_is_not(void **state)
{
	(void)state;
	char name[16];
	struct memory *m = memory_new(20000);
	keep(m, "asked for", "x", 1);
	keep(m, "never", "x", 1);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%d", i);
		keep(m, name, "x", 1);
		assert_non_null(kept(m, "asked for", 1, FOREVER_NS));
	}
	assert_null(kept(m, "never", 1, FOREVER_NS));
	/* Where all were asked for one has to go all the same. */
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%d", i);
		kept(m, name, 1, FOREVER_NS);
	}
	assert_true(keep(m, "one more", "x", 1));
	memory_free(m);
}

static int note(void *context, const struct digest *key, struct slice bytes)
{
	(void)key;
	char *seen = context;
	strncat(seen, (const char *)bytes.data, bytes.size);
	return *bytes.data == 'c' ? 7 : 0;
}

static void they_are_visited_in_the_order_in_which_they_were_put(void **state)
{
	(void)state;
	char seen[16] = "";
	struct memory *m = memory_new(ROOMY);
	keep(m, "1", "x", 1);
	keep(m, "2", "a", 1);
	keep(m, "3", "y", 1);
	keep(m, "1", "b", 1);
	drop(m, "3");
	assert_int_equal(memory_each(m, note, seen), 0);
	assert_string_equal(seen, "ab");
	keep(m, "4", "c", 1);
	keep(m, "5", "d", 1);
	*seen = '\0';
	assert_int_equal(memory_each(m, note, seen), 7);
	assert_string_equal(seen, "abc");
	memory_free(m);
}

static void there_may_be_none_to_free(void **state)
{
	(void)state;
	memory_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_put_is_got_until_it_is_replaced_or_removed),
	    cmocka_unit_test(what_is_too_old_is_gone),
	    cmocka_unit_test(it_never_holds_more_than_its_limit),
	    cmocka_unit_test(what_is_larger_than_the_limit_is_not_kept_nor_what_it_replaces),
	    cmocka_unit_test(what_is_asked_for_outlives_what_is_not),
	    cmocka_unit_test(they_are_visited_in_the_order_in_which_they_were_put),
	    cmocka_unit_test(there_may_be_none_to_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
