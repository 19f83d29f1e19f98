/* Named values by way of a store that stays open: what is asked of the engine, and what is
 * seen of others' doings. */
#include "counted.h"
#include "support.h"

#include "plain.h"
#include "shelf.h"
#include "vault.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { L1 = 1 << 20 };

static const int64_t LONG = DPC_FOREVER;

static struct value_name named(const char *name)
{
	return (struct value_name){.name = slice_of(name)};
}

static struct plain begin(struct fixture *f, size_t l1_size, int64_t l1_ttl)
{
	struct plain p;
	assert_int_equal(plain_begin(&p, &f->home, l1_size, l1_ttl, NULL), DPC_OK);
	return p;
}

static void put(struct plain *p, const char *name, const char *value)
{
	struct value_name n = named(name);
	dpc_error err = {0};
	if (plain_put(p, &n, LONG, slice_of(value), &err) != DPC_OK)
		fail_msg("%s", err.message);
}

/* NULL: a miss. */
static const char *got(struct plain *p, const char *name)
{
	static char text[256];
	uint8_t *value;
	uint64_t size;
	struct value_name n = named(name);
	int rc = plain_get(&value, &size, p, &n, LONG, NULL);
	if (rc == DPC_MISS)
		return NULL;
	assert_int_equal(rc, DPC_OK);
	snprintf(text, sizeof text, "%.*s", (int)size, (const char *)value);
	free(value);
	return text;
}

/* As the command does it, with a store of its own and a shelf. */
static int feed(void *context, struct recorder *r, dpc_error *err)
{
	const char *value = context;
	return recorder_append(r, STREAM_OUT, value, strlen(value), err);
}

static void put_as_others_do(const struct home *h, const char *name, const char *value)
{
	struct value_name n = named(name);
	assert_int_equal(value_put(h, &n, LONG, feed, (void *)value, NULL), DPC_OK);
}

static bool others_get(const struct home *h, const char *name, const char *value)
{
	struct answer a = ANSWER_NONE;
	struct buf text = {0};
	struct value_name n = named(name);
	bool same = value_get(&a, h, &n, LONG, NULL) == DPC_OK;
	if (same)
		read_frames(&text, &a.frames);
	same = same && slice_equal(slice_of_buf(&text), slice_of(value));
	buf_release(&text);
	answer_release(&a);
	return same;
}

#define assert_got(p, name, value) assert_string_equal(got((p), (name)), (value))
#define assert_miss(p, name) assert_null(got((p), (name)))

/* --- what is asked of the engine --- */

static void a_remembered_value_is_one_question_and_so_is_a_missing_one(void **state)
{
	struct plain p = begin(*state, 0, 0);
	put(&p, "a", "value");
	assert_got(&p, "a", "value");
	calls = (struct calls){0};
	assert_got(&p, "a", "value");
	assert_int_equal(calls.gets, 1);
	assert_int_equal(calls_total(), 1);
	assert_miss(&p, "b");
	assert_int_equal(calls.gets, 2);
	assert_int_equal(calls_total(), 2);
	plain_end(&p);
}

static void a_value_is_put_in_one_call(void **state)
{
	struct plain p = begin(*state, 0, 0);
	put(&p, "a", "value");
	calls = (struct calls){0};
	put(&p, "a", "another");
	put(&p, "b", "value");
	assert_int_equal(calls.puts, 2);
	assert_int_equal(calls_total(), 2);
	plain_end(&p);
}

static void what_is_in_memory_in_front_is_not_asked_for(void **state)
{
	struct plain p = begin(*state, L1, LONG);
	put(&p, "a", "value");
	calls = (struct calls){0};
	assert_got(&p, "a", "value");
	assert_int_equal(calls_total(), 0);
	/* That there is none is not remembered. */
	assert_miss(&p, "b");
	assert_miss(&p, "b");
	assert_int_equal(calls.gets, 2);
	plain_end(&p);
}

static void the_store_is_opened_once_and_again_only_when_the_state_is_another(void **state)
{
	struct fixture *f = *state;
	struct plain p = begin(f, 0, 0);
	assert_miss(&p, "a");
	put(&p, "a", "value");
	assert_got(&p, "a", "value");
	calls = (struct calls){0};
	for (int i = 0; i < 10; i++)
		assert_got(&p, "a", "value");
	assert_int_equal(calls.opens, 0);
	assert_int_equal(vault_invalidate_all(&f->home, NULL), DPC_OK);
	assert_miss(&p, "a");
	assert_miss(&p, "a");
	assert_int_equal(calls.opens, 1);
	assert_int_equal(calls.closes, 1);
	assert_int_equal(calls.access, STORE_KEPT);
	plain_end(&p);
	assert_int_equal(calls.closes, 2);
}

/* --- beside others --- */

static void what_others_do_is_seen_at_once(void **state)
{
	struct fixture *f = *state;
	struct plain p = begin(f, 0, 0);
	struct value_name n = named("a");
	put(&p, "a", "one");
	assert_got(&p, "a", "one");
	put_as_others_do(&f->home, "a", "two");
	assert_got(&p, "a", "two");
	assert_int_equal(value_remove(&f->home, &n, NULL), DPC_OK);
	assert_miss(&p, "a");
	put_as_others_do(&f->home, "a", "three");
	assert_got(&p, "a", "three");
	assert_int_equal(vault_invalidate_all(&f->home, NULL), DPC_OK);
	assert_miss(&p, "a");
	put(&p, "a", "four");
	assert_got(&p, "a", "four");
	plain_end(&p);
}

static void what_is_put_others_see_at_once(void **state)
{
	struct fixture *f = *state;
	struct plain p = begin(f, 0, 0);
	/* This one is on the shelf, before the store is asked. */
	put_as_others_do(&f->home, "a", "old");
	assert_true(others_get(&f->home, "a", "old"));
	put(&p, "a", "new");
	assert_true(others_get(&f->home, "a", "new"));
	put(&p, "a", "newer");
	assert_true(others_get(&f->home, "a", "newer"));
	struct value_name n = named("a");
	assert_int_equal(plain_remove(&p, &n, NULL), DPC_OK);
	assert_int_equal(plain_remove(&p, &n, NULL), DPC_MISS);
	assert_false(others_get(&f->home, "a", "newer"));
	assert_miss(&p, "a");
	plain_end(&p);
}

static void what_it_stores_is_a_whole_capsule(void **state)
{
	struct fixture *f = *state;
	static const char *const values[] = {"value", ""};
	struct plain p = begin(f, 0, 0);
	for (size_t i = 0; i < 2; i++) {
		struct value_name n = named("a");
		struct digest key;
		struct store s;
		struct buf bytes = {0}, file = {0};
		put(&p, "a", values[i]);
		assert_int_equal(value_key(&key, &f->home, &n, NULL), DPC_OK);
		assert_int_equal(store_open(&s, &f->home, false, NULL), DPC_OK);
		assert_int_equal(store_get(&s, &key, &bytes, &file, NULL), DPC_OK);
		assert_true(capsule_is_whole(bytes.data, bytes.size));
		store_close(&s);
		buf_release(&bytes);
	}
	plain_end(&p);
}

static void each_flipped_bit_of_a_value_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct plain p = begin(f, 0, 0);
	struct value_name n = named("a");
	struct digest key;
	struct buf good = {0}, file = {0}, old = {0};
	put(&p, "a", "value");
	assert_int_equal(value_key(&key, &f->home, &n, NULL), DPC_OK);
	assert_int_equal(store_get(&p.held.store, &key, &good, &file, NULL), DPC_OK);
	struct entry_info info = {.key = key, .ttl = DPC_FOREVER};
	for (size_t at = 0; at < good.size; at++) {
		/* The word that others may set makes it void. */
		good.data[at] ^= 4;
		assert_int_equal(store_put(&p.held.store, &info, slice_of_buf(&good), &old, NULL), DPC_OK);
		assert_miss(&p, "a");
		good.data[at] ^= 4;
	}
	assert_int_equal(store_put(&p.held.store, &info, slice_of_buf(&good), &old, NULL), DPC_OK);
	assert_got(&p, "a", "value");
	buf_release(&good);
	buf_release(&old);
	plain_end(&p);
}

static void a_store_that_was_moved_aside_is_not_read_any_more(void **state)
{
	struct fixture *f = *state;
	char moved[256];
	struct plain p = begin(f, 0, 0);
	put(&p, "a", "old");
	assert_got(&p, "a", "old");
	assert_int_equal(vault_quarantine(&f->home, moved, sizeof moved, NULL), DPC_OK);
	assert_miss(&p, "a");
	put_as_others_do(&f->home, "a", "new");
	assert_got(&p, "a", "new");
	plain_end(&p);
}

static void a_store_that_was_deleted_is_not_written_to_any_more(void **state)
{
	struct fixture *f = *state;
	const char *file = engine_names[home_engine].file;
	struct plain p = begin(f, 0, 0);
	put(&p, "a", "old");
	assert_int_equal(unlink(path_at_home(f, file)), 0);
	put(&p, "a", "new");
	assert_int_equal(access(path_at_home(f, file), F_OK), 0);
	assert_true(others_get(&f->home, "a", "new"));
	assert_got(&p, "a", "new");
	plain_end(&p);
}

static void compacting_beside_it_is_no_trouble(void **state)
{
	struct fixture *f = *state;
	struct store s;
	struct plain p = begin(f, 0, 0);
	put(&p, "a", "old");
	assert_got(&p, "a", "old");
	int lock = home_lock(&f->home, HOME_PATIENCE, NULL);
	assert_int_equal(store_open(&s, &f->home, true, NULL), DPC_OK);
	assert_int_equal(store_compact(&s, NULL), DPC_OK);
	store_close(&s);
	home_unlock(lock);
	put_as_others_do(&f->home, "a", "new");
	assert_got(&p, "a", "new");
	put(&p, "a", "newer");
	assert_true(others_get(&f->home, "a", "newer"));
	plain_end(&p);
}

enum { WRITES = 200, NAMES = 8, SIZE = 200 };

/* Values that tell whether they are whole, and under several names, so that pages move. */
static int write_many(void *context)
{
	struct fixture *f = context;
	struct plain p;
	if (plain_begin(&p, &f->home, 0, 0, NULL) != DPC_OK)
		return 1;
	for (int i = 0; i < WRITES; i++) {
		char name[2] = {(char)('a' + i % NAMES), '\0'}, value[SIZE];
		struct value_name n = named(name);
		memset(value, 'a' + i % 26, sizeof value);
		if (plain_put(&p, &n, LONG, (struct slice){(uint8_t *)value, (size_t)(i % 7 * 20 + 60)}, NULL) != DPC_OK)
			return 2;
	}
	plain_end(&p);
	return 0;
}

static void a_reader_beside_writers_gets_whole_values(void **state)
{
	struct fixture *f = *state;
	struct plain p = begin(f, 0, 0);
	pid_t writers[2];
	for (int i = 0; i < 2; i++)
		writers[i] = child_start(write_many, f);
	for (int found = 0; found < 2000;) {
		char name[2] = {(char)('a' + found % NAMES), '\0'};
		const char *value = got(&p, name);
		for (const char *c = value; c && *c; c++)
			assert_int_equal(*c, *value);
		found += value != NULL;
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(child_wait(writers[i]), 0);
	/* The last one that each name got, in whichever order. */
	char last[2] = {(char)('a' + (WRITES - 1) % NAMES), '\0'};
	assert_int_equal(*got(&p, last), 'a' + (WRITES - 1) % 26);
	plain_end(&p);
}

/* --- children --- */

struct family {
	struct fixture *f;
	struct plain *p;
	struct gate ready, done;
};

static int get_and_put(void *context)
{
	struct family *y = context;
	calls = (struct calls){0};
	const char *value = got(y->p, "a");
	if (!value || strcmp(value, "parent's") != 0)
		return 1;
	if (home_engine == ENGINE_SQLITE && calls.opens != 1)
		return 2;
	struct value_name n = named("a");
	if (plain_put(y->p, &n, LONG, slice_of("child's"), NULL) != DPC_OK)
		return 3;
	value = got(y->p, "a");
	return !value || strcmp(value, "child's") != 0;
}

static void a_child_opens_a_store_of_its_own_and_the_parents_stays(void **state)
{
	struct fixture *f = *state;
	struct plain p = begin(f, 0, 0);
	struct family y = {.f = f, .p = &p};
	put(&p, "a", "parent's");
	assert_got(&p, "a", "parent's");
	calls = (struct calls){0};
	assert_int_equal(child_wait(child_start(get_and_put, &y)), 0);
	assert_got(&p, "a", "child's");
	if (home_engine == ENGINE_SQLITE)
		assert_int_equal(calls.opens, 0);
	put(&p, "a", "again");
	assert_got(&p, "a", "again");
	plain_end(&p);
}

static int get_and_stay(void *context)
{
	struct family *y = context;
	bool right = got(y->p, "a") != NULL;
	gate_open(&y->ready);
	gate_wait(&y->done);
	return !right;
}

/* Whose the lock is that SQLite has on an open database's file; 0: nobody's. In a process
 * of its own, for closing the file would give up ours. */
static int is_locked(void *context)
{
	struct family *y = context;
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000002, .l_len = 510};
	int fd = open(path_at_home(y->f, "cache.db"), O_RDWR | O_CLOEXEC);
	return fd >= 0 && fcntl(fd, F_GETLK, &l) == 0 && l.l_type == F_RDLCK;
}

static void a_child_does_not_take_the_parents_locks_for_its_own(void **state)
{
	struct fixture *f = *state;
	struct plain p = begin(f, 0, 0);
	struct family y = {.f = f, .p = &p};
	gate_init(&y.ready);
	gate_init(&y.done);
	put(&p, "a", "value");
	assert_got(&p, "a", "value");
	pid_t child = child_start(get_and_stay, &y);
	gate_wait(&y.ready);
	plain_end(&p);
	assert_int_equal(child_wait(child_start(is_locked, &y)), 1);
	gate_open(&y.done);
	assert_int_equal(child_wait(child), 0);
	assert_int_equal(child_wait(child_start(is_locked, &y)), 0);
	gate_release(&y.ready);
	gate_release(&y.done);
}

static void what_else_this_process_opens_does_not_unlock_it(void **state)
{
	struct fixture *f = *state;
	struct plain p = begin(f, 0, 0), other = begin(f, 0, 0);
	struct family y = {.f = f};
	put(&p, "a", "value");
	assert_got(&p, "a", "value");
	put_as_others_do(&f->home, "b", "value");
	put(&p, "a", "another");
	assert_got(&other, "a", "another");
	plain_end(&other);
	assert_int_equal(child_wait(child_start(is_locked, &y)), 1);
	plain_end(&p);
	assert_int_equal(child_wait(child_start(is_locked, &y)), 0);
}

/* --- memory in front --- */

static void memory_in_front_shows_others_doings_when_its_time_is_over(void **state)
{
	struct fixture *f = *state;
	struct plain lasting = begin(f, L1, LONG), instant = begin(f, L1, -1);
	put(&lasting, "a", "one");
	assert_got(&instant, "a", "one");
	put_as_others_do(&f->home, "a", "two");
	assert_got(&lasting, "a", "one");
	assert_got(&instant, "a", "two");
	plain_end(&lasting);
	plain_end(&instant);
}

static void memory_in_front_keeps_nothing_that_was_invalidated_replaced_or_removed_here(void **state)
{
	struct fixture *f = *state;
	struct plain p = begin(f, L1, LONG);
	struct value_name n = named("a");
	put(&p, "a", "one");
	assert_int_equal(vault_invalidate_all(&f->home, NULL), DPC_OK);
	assert_miss(&p, "a");
	put(&p, "a", "two");
	put(&p, "a", "three");
	assert_got(&p, "a", "three");
	assert_int_equal(plain_remove(&p, &n, NULL), DPC_OK);
	assert_miss(&p, "a");
	plain_end(&p);
}

static void memory_in_front_minds_the_readers_ttl_and_the_writers(void **state)
{
	struct plain p = begin(*state, L1, LONG);
	struct value_name n = named("a");
	uint8_t *value;
	uint64_t size;
	assert_int_equal(plain_put(&p, &n, 0, slice_of("value"), NULL), DPC_OK);
	assert_int_equal(plain_get(&value, &size, &p, &n, -1, NULL), DPC_MISS);
	assert_int_equal(plain_get(&value, &size, &p, &n, 0, NULL), DPC_MISS);
	assert_int_equal(plain_get(&value, &size, &p, &n, LONG, NULL), DPC_OK);
	free(value);
	plain_end(&p);
}

/* --- the log --- */

static off_t log_size(const struct fixture *f)
{
	struct stat st;
	return stat(path_at_home(f, "cache.db-wal"), &st) == 0 ? st.st_size : 0;
}

static void the_log_stays_bounded_and_is_short_at_the_end(void **state)
{
	struct fixture *f = *state;
	static char value[4000];
	struct plain p = begin(f, 0, 0);
	memset(value, 'x', sizeof value - 1);
	for (int i = 0; i < 2000; i++) {
		char name[16];
		snprintf(name, sizeof name, "%d", i % 700);
		put(&p, name, value);
		assert_true(log_size(f) < 6 << 20);
	}
	assert_true(log_size(f) > 0);
	plain_end(&p);
	assert_int_equal(log_size(f), 0);
}

static const struct CMUnitTest of_counted[] = {
    with_home(a_remembered_value_is_one_question_and_so_is_a_missing_one),
    with_home(a_value_is_put_in_one_call),
    with_home(what_is_in_memory_in_front_is_not_asked_for),
    with_home(the_store_is_opened_once_and_again_only_when_the_state_is_another),
    with_home(a_child_does_not_take_the_parents_locks_for_its_own),
    with_home(what_else_this_process_opens_does_not_unlock_it),
    with_home(the_log_stays_bounded_and_is_short_at_the_end),
};

static const struct CMUnitTest of_all[] = {
    with_home(what_others_do_is_seen_at_once),
    with_home(what_is_put_others_see_at_once),
    with_home(what_it_stores_is_a_whole_capsule),
    with_home(a_store_that_was_moved_aside_is_not_read_any_more),
    with_home(a_store_that_was_deleted_is_not_written_to_any_more),
    with_home(compacting_beside_it_is_no_trouble),
    with_home(a_reader_beside_writers_gets_whole_values),
    with_home(a_child_opens_a_store_of_its_own_and_the_parents_stays),
    with_home(memory_in_front_shows_others_doings_when_its_time_is_over),
    with_home(memory_in_front_keeps_nothing_that_was_invalidated_replaced_or_removed_here),
    with_home(memory_in_front_minds_the_readers_ttl_and_the_writers),
    with_home(each_flipped_bit_of_a_value_is_noticed),
};

int main(void)
{
	int failed = cmocka_run_group_tests_name("counted", of_counted, NULL, NULL);
	for (home_engine = 0; home_engine < ENGINE_COUNT; home_engine++) {
		const struct engine_name *name = &engine_names[home_engine];
		const struct store_ops *ops = name->file ? store_engine(home_engine) : NULL;
		if (ops && ops->keeps)
			failed += cmocka_run_group_tests_name(name->scheme, of_all, NULL, NULL);
	}
	return failed;
}
