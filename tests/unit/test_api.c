/* The public interface, as a program that links the library sees it. */
#include "support.h"

#include "dpcache.h"
#include "vault.h"

#include <stdio.h>

static dpc_cache *cache;

static dpc_cache *open_cache(const struct fixture *f)
{
	dpc_cache *c = NULL;
	char url[PATH_MAX + 16];
	dpc_error err = {0};
	snprintf(url, sizeof url, "sqlite:%s", path_in(f, "home"));
	if (dpc_cache_open(&c, url, &err) != DPC_OK)
		fail_msg("%s", err.message);
	assert_non_null(c);
	return c;
}

static int api_setup(void **state)
{
	if (fixture_setup(state) < 0)
		return -1;
	cache = open_cache(*state);
	return 0;
}

static int api_teardown(void **state)
{
	dpc_cache_close(cache);
	return fixture_teardown(state);
}

#define with_cache(test) cmocka_unit_test_setup_teardown(test, api_setup, api_teardown)

static void put(const char *key, const void *value, size_t size)
{
	dpc_error err = {0};
	if (dpc_cache_put(cache, key, strlen(key), value, size, DPC_FOREVER, &err) != DPC_OK)
		fail_msg("%s", err.message);
}

static int get_within(const char *key, int64_t ttl, uint8_t **value, uint64_t *size)
{
	return dpc_cache_get(value, size, cache, key, strlen(key), ttl, NULL);
}

static void assert_value(const char *key, const void *expected, size_t size)
{
	uint8_t *value = NULL;
	uint64_t got = 0;
	assert_int_equal(get_within(key, DPC_FOREVER, &value, &got), DPC_OK);
	assert_int_equal(got, size);
	assert_non_null(value);
	assert_memory_equal(value, expected, size);
	dpc_free(value);
}

static void assert_miss(const char *key)
{
	uint8_t *value = (uint8_t *)"untouched";
	uint64_t size = 7;
	assert_int_equal(get_within(key, DPC_FOREVER, &value, &size), DPC_MISS);
	assert_null(value);
	assert_int_equal(size, 0);
}

static void a_value_is_remembered_under_its_key(void **state)
{
	(void)state;
	assert_miss("a");
	put("a", "value", 5);
	assert_value("a", "value", 5);
	assert_miss("b");
}

static void a_value_is_replaced(void **state)
{
	(void)state;
	put("a", "one", 3);
	put("a", "number two", 10);
	assert_value("a", "number two", 10);
}

static void an_empty_value_is_a_value(void **state)
{
	(void)state;
	put("a", NULL, 0);
	assert_value("a", "", 0);
}

static void values_of_every_size_come_back(void **state)
{
	struct fixture *f = *state;
	static uint8_t noise[3 << 20];
	static const size_t sizes[] = {1, 100, 60000, 65535, 65536, 65537, 1 << 20, sizeof noise};
	fill_noise(noise, sizeof noise, 1);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		put("a", noise, sizes[i]);
		assert_value("a", noise, sizes[i]);
	}
	assert_int_equal(count_files(path_at_home(f, "data"), NULL), 1);
	assert_int_equal(count_files(path_at_home(f, "locks"), NULL), 0);
}

static void keys_are_bytes_not_text(void **state)
{
	(void)state;
	static const char *const keys[] = {"a\0b", "a\0c", "a\0", "a"};
	static const uint64_t sizes[] = {3, 3, 2, 1};
	for (char i = 0; i < 4; i++)
		assert_int_equal(dpc_cache_put(cache, keys[(int)i], sizes[(int)i], &i, 1, 0, NULL), DPC_OK);
	for (char i = 0; i < 4; i++) {
		uint8_t *value;
		uint64_t size;
		assert_int_equal(dpc_cache_get(&value, &size, cache, keys[(int)i], sizes[(int)i], DPC_FOREVER, NULL),
		                 DPC_OK);
		assert_int_equal(size, 1);
		assert_int_equal(value[0], i);
		dpc_free(value);
	}
}

static void a_removed_value_is_gone(void **state)
{
	(void)state;
	put("a", "a", 1);
	put("b", "b", 1);
	assert_int_equal(dpc_cache_remove(cache, "a", 1, NULL), DPC_OK);
	assert_miss("a");
	assert_value("b", "b", 1);
	assert_int_equal(dpc_cache_remove(cache, "a", 1, NULL), DPC_MISS);
	assert_int_equal(dpc_cache_remove(cache, "never", 5, NULL), DPC_MISS);
}

static void another_handle_sees_the_same(void **state)
{
	struct fixture *f = *state;
	dpc_cache *first = cache, *second = open_cache(f);
	put("a", "one", 3);
	cache = second;
	assert_value("a", "one", 3);
	put("a", "two", 3);
	cache = first;
	assert_value("a", "two", 3);
	dpc_cache_close(second);
	/* And whoever opens it when all had closed it. */
	dpc_cache_close(cache);
	cache = open_cache(f);
	assert_value("a", "two", 3);
}

static void a_reader_without_a_ttl_takes_the_writers(void **state)
{
	(void)state;
	uint8_t *value;
	uint64_t size;
	assert_int_equal(dpc_cache_put(cache, "gone", 4, "x", 1, 0, NULL), DPC_OK);
	assert_int_equal(get_within("gone", -1, &value, &size), DPC_MISS);
	assert_null(value);
	/* But one who accepts any age gets it: nothing else has thrown it away. */
	assert_value("gone", "x", 1);
	assert_int_equal(dpc_cache_put(cache, "kept", 4, "x", 1, DPC_FOREVER, NULL), DPC_OK);
	assert_int_equal(get_within("kept", -1, &value, &size), DPC_OK);
	dpc_free(value);
	assert_int_equal(dpc_cache_put(cache, "hour", 4, "x", 1, INT64_C(3600) * 1000000000, NULL), DPC_OK);
	assert_int_equal(get_within("hour", -1, &value, &size), DPC_OK);
	dpc_free(value);
}

static void a_reader_with_no_patience_for_age_gets_nothing(void **state)
{
	(void)state;
	uint8_t *value;
	uint64_t size;
	put("a", "a", 1);
	assert_int_equal(get_within("a", 0, &value, &size), DPC_MISS);
	assert_int_equal(get_within("a", INT64_C(3600) * 1000000000, &value, &size), DPC_OK);
	dpc_free(value);
}

static void an_open_cache_notices_that_everything_was_invalidated(void **state)
{
	struct fixture *f = *state;
	put("a", "old", 3);
	assert_int_equal(vault_invalidate_all(&f->home, NULL), DPC_OK);
	assert_miss("a");
	put("a", "new", 3);
	assert_value("a", "new", 3);
}

static void arguments_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	uint8_t *value;
	uint64_t size;
	dpc_error err = {0};
	assert_int_equal(dpc_cache_open(NULL, "sqlite:", &err), DPC_E_USAGE);
	assert_int_equal(dpc_cache_put(NULL, "a", 1, "", 0, 0, &err), DPC_E_USAGE);
	assert_int_equal(dpc_cache_put(cache, NULL, 1, "", 0, 0, &err), DPC_E_USAGE);
	assert_int_equal(dpc_cache_put(cache, "", 0, "", 0, 0, &err), DPC_E_USAGE);
	assert_int_equal(dpc_cache_put(cache, "a", 1, NULL, 1, 0, &err), DPC_E_USAGE);
	assert_int_equal(dpc_cache_put(cache, "a", 1, "", 0, -1, &err), DPC_E_USAGE);
	assert_int_equal(dpc_cache_get(NULL, &size, cache, "a", 1, 0, &err), DPC_E_USAGE);
	assert_int_equal(dpc_cache_get(&value, NULL, cache, "a", 1, 0, &err), DPC_E_USAGE);
	assert_int_equal(dpc_cache_get(&value, &size, NULL, "a", 1, 0, &err), DPC_E_USAGE);
	assert_int_equal(dpc_cache_get(&value, &size, cache, "", 0, 0, &err), DPC_E_USAGE);
	assert_int_equal(dpc_cache_remove(NULL, "a", 1, &err), DPC_E_USAGE);
	assert_int_equal(dpc_cache_remove(cache, "a", 0, &err), DPC_E_USAGE);
	assert_int_equal(err.code, DPC_E_USAGE);
	assert_true(err.message[0]);
	/* Nor does an error have to be asked for. */
	assert_int_equal(dpc_cache_remove(NULL, "a", 1, NULL), DPC_E_USAGE);
}

static void a_cache_that_cannot_be_opened_leaves_no_handle(void **state)
{
	(void)state;
	dpc_cache *c = (dpc_cache *)"untouched";
	dpc_error err = {0};
	assert_int_equal(dpc_cache_open(&c, "redis://elsewhere", &err), DPC_E_USAGE);
	assert_null(c);
	assert_int_equal(err.code, DPC_E_USAGE);
	c = (dpc_cache *)"untouched";
	assert_true(dpc_cache_open(&c, "sqlite:/dev/null/below", &err) < 0);
	assert_null(c);
	static const char *const senseless[] = {"mem:/directory", "tier:mem:,", "tier:mem:", "tier:mem:,nothing",
	                                        "tier:mem:,tier:mem:,mem:"};
	for (size_t i = 0; i < sizeof senseless / sizeof *senseless; i++)
		assert_int_equal(dpc_cache_open(&c, senseless[i], &err), DPC_E_USAGE);
}

static void opening_makes_the_directory_though_nobody_asks_for_errors(void **state)
{
	struct fixture *f = *state;
	dpc_cache *c = NULL;
	char url[PATH_MAX + 16];
	snprintf(url, sizeof url, "sqlite:%s", path_in(f, "new/cache"));
	assert_int_equal(dpc_cache_open(&c, url, NULL), DPC_OK);
	assert_int_equal(access(path_in(f, "new/cache"), F_OK), 0);
	dpc_cache_close(c);
}

static void without_a_url_the_environment_says_where(void **state)
{
	struct fixture *f = *state;
	dpc_cache *c = NULL;
	dpc_error err = {0};
	put("a", "a", 1);
	unsetenv("DPCACHE_STORE");
	setenv("DPCACHE_DIR", path_in(f, "home"), 1);
	assert_int_equal(dpc_cache_open(&c, NULL, &err), DPC_OK);
	dpc_cache *first = cache;
	cache = c;
	assert_value("a", "a", 1);
	cache = first;
	dpc_cache_close(c);
	unsetenv("DPCACHE_DIR");
}

static void a_damaged_value_is_a_miss(void **state)
{
	struct fixture *f = *state;
	put("a", "a", 1);
	assert_int_equal(truncate(path_at_home(f, "cache.db"), 0), 0);
	unlink(path_at_home(f, "cache.db-wal"));
	/* The shelf still has it, and may answer; but not with anything else. */
	uint8_t *value = NULL;
	uint64_t size = 0;
	if (get_within("a", DPC_FOREVER, &value, &size) == DPC_OK)
		assert_true(size == 1 && value[0] == 'a');
	dpc_free(value);
	dpc_error err = {0};
	assert_int_equal(dpc_cache_put(cache, "a", 1, "b", 1, 0, &err), DPC_E_CORRUPT);
	assert_true(err.message[0]);
}

static void memory_ends_with_its_handle(void **state)
{
	(void)state;
	static uint8_t large[1 << 20];
	dpc_cache *first = cache, *other = NULL;
	assert_int_equal(dpc_cache_open(&cache, "mem:", NULL), DPC_OK);
	assert_int_equal(dpc_cache_open(&other, "mem:", NULL), DPC_OK);
	put("a", "value", 5);
	assert_value("a", "value", 5);
	put("a", NULL, 0);
	assert_value("a", "", 0);
	fill_noise(large, sizeof large, 1);
	put("large", large, sizeof large);
	assert_value("large", large, sizeof large);
	assert_int_equal(dpc_cache_remove(cache, "a", 1, NULL), DPC_OK);
	assert_int_equal(dpc_cache_remove(cache, "a", 1, NULL), DPC_MISS);
	assert_miss("a");
	dpc_cache *mine = cache;
	cache = other;
	assert_miss("large");
	dpc_cache_close(mine);
	dpc_cache_close(other);
	cache = first;
	assert_miss("large");
}

static void memory_is_bounded(void **state)
{
	(void)state;
	enum { SIZE = 1 << 20 };
	static uint8_t noise[SIZE], huge[80 << 20];
	char key[16];
	uint8_t *value;
	uint64_t size, there = 0;
	dpc_cache *first = cache;
	assert_int_equal(dpc_cache_open(&cache, "mem:", NULL), DPC_OK);
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof key, "%d", i);
		put(key, noise, SIZE);
	}
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof key, "%d", i);
		if (get_within(key, DPC_FOREVER, &value, &size) == DPC_OK)
			there += size;
		dpc_free(value);
	}
	assert_true(there > 0 && there <= 64 << 20);
	assert_int_equal(dpc_cache_put(cache, "huge", 4, huge, sizeof huge, 0, NULL), DPC_E_MEMORY);
	assert_miss("huge");
	dpc_cache_close(cache);
	cache = first;
}

static void memory_in_front_of_a_store_is_asked_for_by_url(void **state)
{
	struct fixture *f = *state;
	char url[PATH_MAX + 32];
	dpc_cache *behind = cache;
	snprintf(url, sizeof url, "tier:mem:,sqlite:%s", path_in(f, "home"));
	assert_int_equal(dpc_cache_open(&cache, url, NULL), DPC_OK);
	put("a", "value", 5);
	assert_value("a", "value", 5);
	/* In both: what one holds is not asked of the other, and what was removed is in neither. */
	dpc_cache *tier = cache;
	cache = behind;
	assert_value("a", "value", 5);
	cache = tier;
	assert_int_equal(vault_invalidate_all(&f->home, NULL), DPC_OK);
	assert_miss("a");
	put("a", "again", 5);
	assert_int_equal(dpc_cache_remove(cache, "a", 1, NULL), DPC_OK);
	assert_miss("a");
	dpc_cache_close(cache);
	cache = behind;
	assert_miss("a");
}

static void nothing_can_be_closed_and_freed(void **state)
{
	(void)state;
	dpc_cache_close(NULL);
	dpc_free(NULL);
}

static void the_version_has_three_parts(void **state)
{
	(void)state;
	unsigned a, b, c;
	char rest;
	assert_int_equal(sscanf(dpc_version(), "%u.%u.%u%c", &a, &b, &c, &rest), 3);
}

enum { WRITERS = 3, EACH = 60 };

static int write_and_read(void *context)
{
	struct fixture *f = context;
	dpc_cache *mine;
	char url[PATH_MAX + 16];
	snprintf(url, sizeof url, "sqlite:%s", path_in(f, "home"));
	if (dpc_cache_open(&mine, url, NULL) != DPC_OK)
		return 1;
	for (int i = 0; i < EACH; i++) {
		char value[64];
		uint8_t *got;
		uint64_t size;
		/* A value that tells whether it is whole. */
		memset(value, 'a' + i % 26, sizeof value);
		if (dpc_cache_put(mine, "common", 6, value, sizeof value, DPC_FOREVER, NULL) != DPC_OK)
			return 2;
		if (dpc_cache_get(&got, &size, mine, "common", 6, DPC_FOREVER, NULL) != DPC_OK)
			return 3;
		for (uint64_t k = 0; k < size; k++)
			if (size != sizeof value || got[k] != got[0])
				return 4;
		dpc_free(got);
	}
	dpc_cache_close(mine);
	return 0;
}

static void many_processes_put_and_get_one_key(void **state)
{
	struct fixture *f = *state;
	pid_t pid[WRITERS];
	for (int i = 0; i < WRITERS; i++)
		pid[i] = child_start(write_and_read, f);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(child_wait(pid[i]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_cache(a_value_is_remembered_under_its_key),
	    with_cache(a_value_is_replaced),
	    with_cache(an_empty_value_is_a_value),
	    with_cache(values_of_every_size_come_back),
	    with_cache(keys_are_bytes_not_text),
	    with_cache(a_removed_value_is_gone),
	    with_cache(another_handle_sees_the_same),
	    with_cache(a_reader_without_a_ttl_takes_the_writers),
	    with_cache(a_reader_with_no_patience_for_age_gets_nothing),
	    with_cache(an_open_cache_notices_that_everything_was_invalidated),
	    with_cache(arguments_that_make_no_sense_are_refused),
	    with_cache(a_cache_that_cannot_be_opened_leaves_no_handle),
	    with_cache(opening_makes_the_directory_though_nobody_asks_for_errors),
	    with_cache(without_a_url_the_environment_says_where),
	    with_cache(a_damaged_value_is_a_miss),
	    with_cache(memory_ends_with_its_handle),
	    with_cache(memory_is_bounded),
	    with_cache(memory_in_front_of_a_store_is_asked_for_by_url),
	    cmocka_unit_test(nothing_can_be_closed_and_freed),
	    cmocka_unit_test(the_version_has_three_parts),
	    with_cache(many_processes_put_and_get_one_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
