/* What every engine behind store.h keeps, asked of all that are built in. */
#include "stored.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static void none_is_made_unless_asked_for(void **state)
{
	struct fixture *f = *state;
	struct store s;
	assert_int_equal(store_open(&s, &f->home, false, NULL), DPC_E_NOTFOUND);
	store_close(&s);
	s = open_store(f);
	assert_lacks(&s, "a");
	store_close(&s);
	assert_int_equal(store_open(&s, &f->home, false, NULL), DPC_OK);
	store_close(&s);
	store_close(&s);
}

static void what_was_put_is_got_after_it_was_closed(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	put_inline(&s, "a", 1, "capsule of a");
	assert_holds(&s, "a", "capsule of a", NULL);
	store_close(&s);
	s = open_store(f);
	assert_holds(&s, "a", "capsule of a", NULL);
	assert_lacks(&s, "c");
	store_close(&s);
}

static void a_file_that_was_put_is_known_by_its_name(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	put_file(&s, "b", 2, "data/ab/cd");
	store_close(&s);
	s = open_store(f);
	assert_holds(&s, "b", "", "data/ab/cd");
	store_close(&s);
}

static void a_value_is_replaced_by_the_next(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	put_inline(&s, "a", 1, "one");
	put_inline(&s, "a", 2, "another");
	assert_holds(&s, "a", "another", NULL);
	store_close(&s);
}

static void what_was_removed_is_gone(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct digest key = digest_named("a");
	struct buf old = {0};
	assert_int_equal(store_remove(&s, &key, &old, NULL), DPC_MISS);
	put_inline(&s, "a", 1, "a");
	put_inline(&s, "b", 1, "b");
	assert_int_equal(store_remove(&s, &key, &old, NULL), DPC_OK);
	assert_int_equal(store_remove(&s, &key, &old, NULL), DPC_MISS);
	assert_lacks(&s, "a");
	assert_holds(&s, "b", "b", NULL);
	assert_int_equal(old.size, 0);
	store_close(&s);
}

static void bytes_of_all_values_come_back(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	static uint8_t noise[1 << 20];
	struct entry_info e = entry("a", 1);
	struct buf old = {0}, got = {0}, file = {0};
	fill_noise(noise, sizeof noise, 1);
	assert_int_equal(store_put(&s, &e, (struct slice){noise, sizeof noise}, &old, NULL), DPC_OK);
	assert_int_equal(store_get(&s, &e.key, &got, &file, NULL), DPC_OK);
	assert_int_equal(got.size, sizeof noise);
	assert_memory_equal(got.data, noise, sizeof noise);
	buf_release(&got);
	store_close(&s);
}

static void what_is_got_is_appended(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct digest key = digest_named("a");
	struct buf got = {0}, file = {0};
	put_inline(&s, "a", 1, "capsule");
	buf_put(&got, "before ", 7);
	assert_int_equal(store_get(&s, &key, &got, &file, NULL), DPC_OK);
	assert_true(slice_equal(slice_of_buf(&got), slice_of("before capsule")));
	buf_release(&got);
	store_close(&s);
}

static void replacing_tells_the_old_file(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct buf old = {0};
	put_file(&s, "a", 1, "data/old");
	struct entry_info e = entry("a", 2);
	assert_int_equal(store_put(&s, &e, slice_of("new"), &old, NULL), DPC_OK);
	assert_string_equal((const char *)old.data, "data/old");
	buf_release(&old);
	assert_holds(&s, "a", "new", NULL);
	e.file = "data/newer";
	assert_int_equal(store_put(&s, &e, (struct slice){NULL, 0}, &old, NULL), DPC_OK);
	assert_int_equal(old.size, 0);
	assert_holds(&s, "a", "", "data/newer");
	store_close(&s);
}

static void removing_tells_the_old_file_and_looking_the_question(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct digest key = digest_named("a"), expected = digest_named("question");
	struct entry_info there = {.created = 0};
	struct buf old = {0};
	assert_int_equal(store_remove(&s, &key, &old, NULL), DPC_MISS);
	put_file(&s, "a", 1, "data/old");
	put_inline(&s, "b", 1, "b");
	assert_int_equal(store_look(&s, &key, &there, NULL), DPC_OK);
	assert_true(there.created > 0 && there.cost == 3);
	assert_int_equal(store_remove(&s, &key, &old, NULL), DPC_OK);
	assert_digests_equal(&there.question, &expected);
	assert_int_equal(store_look(&s, &key, &there, NULL), DPC_MISS);
	assert_string_equal((const char *)old.data, "data/old");
	assert_lacks(&s, "a");
	assert_holds(&s, "b", "b", NULL);
	buf_release(&old);
	assert_int_equal(store_remove(&s, &key, &old, NULL), DPC_MISS);
	assert_int_equal(old.size, 0);
	store_close(&s);
}

static void has_is_about_exactly_one_entry(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct digest a = digest_named("a"), b = digest_named("b");
	put_inline(&s, "a", 7, "old");
	assert_int_equal(store_has(&s, &a, 7, NULL), DPC_OK);
	assert_int_equal(store_has(&s, &a, 8, NULL), DPC_MISS);
	assert_int_equal(store_has(&s, &b, 7, NULL), DPC_MISS);
	put_inline(&s, "a", 8, "new");
	assert_int_equal(store_has(&s, &a, 7, NULL), DPC_MISS);
	assert_int_equal(store_has(&s, &a, 8, NULL), DPC_OK);
	store_close(&s);
}

/* --- visiting --- */

static void all_that_is_known_of_an_entry_can_be_visited(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct visits v = {.count = 0};
	put_inline(&s, "a", 11, "capsule");
	assert_int_equal(store_each(&s, visit, &v, NULL), DPC_OK);
	assert_int_equal(v.count, 1);
	struct entry_info expected = entry("a", 11), *got = &v.seen[0];
	assert_digests_equal(&got->key, &expected.key);
	assert_digests_equal(&got->question, &expected.question);
	assert_true(got->created == 11 && got->ttl == DPC_FOREVER && got->cost == 3);
	assert_true(got->generation == UINT64_C(1) << 60);
	assert_true(got->output_size == 4 && got->stored_size == 5);
	assert_int_equal(got->status, -6);
	assert_int_equal(got->flags, CAPSULE_VALUE);
	assert_true(got->hits == 0 && got->used == 0);
	assert_string_equal(v.label, "label");
	assert_null(got->file);
	store_close(&s);
}

static void a_label_may_be_empty_or_hold_any_bytes(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct visits v = {.count = 0};
	struct buf old = {0};
	struct entry_info e = entry("a", 1);
	e.label = (struct slice){NULL, 0};
	assert_int_equal(store_put(&s, &e, slice_of("x"), &old, NULL), DPC_OK);
	e = entry("b", 2);
	e.label = (struct slice){(const uint8_t *)"a\0\xff", 3};
	assert_int_equal(store_put(&s, &e, slice_of("x"), &old, NULL), DPC_OK);
	assert_int_equal(store_each(&s, visit, &v, NULL), DPC_OK);
	assert_int_equal(v.seen[0].label.size, 0);
	assert_int_equal(v.seen[1].label.size, 3);
	store_close(&s);
}

static struct event_record hit(const char *name, int64_t time)
{
	return (struct event_record){.event = EVENT_HIT, .key = digest_named(name), .time = time};
}

static void assert_order(struct store *s, const char *names)
{
	struct visits v = {.count = 0};
	assert_int_equal(store_each(s, visit, &v, NULL), DPC_OK);
	assert_int_equal(v.count, strlen(names));
	for (size_t i = 0; i < v.count; i++) {
		char name[2] = {names[i], '\0'};
		struct digest key = digest_named(name);
		assert_digests_equal(&v.seen[i].key, &key);
	}
}

static void the_least_recently_used_is_visited_first(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	static const struct counters none;
	put_inline(&s, "c", 30, "c");
	put_inline(&s, "a", 10, "a");
	put_inline(&s, "b", 20, "b");
	assert_order(&s, "abc");
	struct event_record hits[] = {hit("a", 25)};
	assert_int_equal(store_count(&s, &none, hits, 1, NULL), DPC_OK);
	assert_order(&s, "bac");
	/* A hit from before its creation does not make it older. */
	hits[0] = hit("c", 5);
	assert_int_equal(store_count(&s, &none, hits, 1, NULL), DPC_OK);
	assert_order(&s, "bac");
	store_close(&s);
}

static void a_visitor_can_end_the_walk(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct visits v = {.stop_after = 2};
	put_inline(&s, "a", 1, "a");
	put_inline(&s, "b", 2, "b");
	put_inline(&s, "c", 3, "c");
	assert_int_equal(store_each(&s, visit, &v, NULL), DPC_E_DENIED);
	assert_int_equal(v.count, 2);
	/* And nothing stays locked behind it. */
	put_inline(&s, "d", 4, "d");
	store_close(&s);
}

static void an_empty_store_has_nothing_to_visit(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct visits v = {.count = 0};
	assert_int_equal(store_each(&s, visit, &v, NULL), DPC_OK);
	assert_int_equal(v.count, 0);
	store_close(&s);
}

/* --- counting --- */

static void hits_are_counted_to_their_entries(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct visits v = {.count = 0};
	static const struct counters none;
	put_inline(&s, "a", 1, "a");
	struct event_record hits[] = {hit("a", 50), hit("a", 70), hit("a", 60), hit("nobody", 80)};
	assert_int_equal(store_count(&s, &none, hits, 4, NULL), DPC_OK);
	assert_int_equal(store_each(&s, visit, &v, NULL), DPC_OK);
	assert_int_equal(v.count, 1);
	assert_true(v.seen[0].hits == 3 && v.seen[0].used == 70);
	/* What is removed takes its hits along. */
	struct digest key = digest_named("a");
	struct buf old = {0};
	assert_int_equal(store_remove(&s, &key, &old, NULL), DPC_OK);
	put_inline(&s, "a", 2, "a");
	v.count = 0;
	assert_int_equal(store_each(&s, visit, &v, NULL), DPC_OK);
	assert_true(v.seen[0].hits == 0 && v.seen[0].used == 0);
	store_close(&s);
}

static void totals_add_up_and_can_be_reset(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct counters add = {{0}}, got;
	assert_int_equal(store_totals(&s, &got, NULL), DPC_OK);
	for (int i = 0; i < COUNTER_COUNT; i++)
		assert_true(got.v[i] == 0);
	for (int i = 0; i < COUNTER_COUNT; i++)
		add.v[i] = (int64_t)(i + 1) << 40;
	assert_int_equal(store_count(&s, &add, NULL, 0, NULL), DPC_OK);
	assert_int_equal(store_count(&s, &add, NULL, 0, NULL), DPC_OK);
	store_close(&s);
	s = open_store(f);
	assert_int_equal(store_totals(&s, &got, NULL), DPC_OK);
	for (int i = 0; i < COUNTER_COUNT; i++)
		assert_true(got.v[i] == (int64_t)(i + 1) << 41);
	put_inline(&s, "a", 1, "a");
	assert_int_equal(store_reset_totals(&s, NULL), DPC_OK);
	assert_int_equal(store_totals(&s, &got, NULL), DPC_OK);
	assert_true(got.v[COUNTER_HITS] == 0);
	assert_holds(&s, "a", "a", NULL);
	store_close(&s);
}

/* --- batches --- */

static void a_batch_is_on_disk_once_it_ended(void **state)
{
	struct fixture *f = *state;
	struct store s = open_beside(f), reader;
	put_inline(&s, "a", 1, "a");
	struct digest key = digest_named("a");
	struct buf old = {0};
	assert_int_equal(store_batch(&s, true, NULL), DPC_OK);
	assert_int_equal(store_remove(&s, &key, &old, NULL), DPC_OK);
	put_inline(&s, "b", 2, "b");
	/* Others read on meanwhile, what was there before. */
	reader = open_beside(f);
	assert_holds(&reader, "a", "a", NULL);
	assert_lacks(&reader, "b");
	assert_int_equal(store_batch(&s, false, NULL), DPC_OK);
	assert_lacks(&reader, "a");
	assert_holds(&reader, "b", "b", NULL);
	store_close(&reader);
	store_close(&s);
}

static void a_batch_that_never_ended_has_not_been(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	put_inline(&s, "a", 1, "a");
	assert_int_equal(store_batch(&s, true, NULL), DPC_OK);
	put_inline(&s, "a", 2, "changed");
	put_inline(&s, "b", 2, "b");
	store_close(&s);
	s = open_store(f);
	assert_holds(&s, "a", "a", NULL);
	assert_lacks(&s, "b");
	store_close(&s);
}

/* --- more than one connection --- */

static void a_reader_sees_what_a_writer_has_finished(void **state)
{
	struct fixture *f = *state;
	struct store a = open_beside(f), b = open_beside(f);
	put_inline(&a, "x", 1, "one");
	assert_holds(&b, "x", "one", NULL);
	put_inline(&b, "x", 2, "two");
	assert_holds(&a, "x", "two", NULL);
	store_close(&a);
	assert_holds(&b, "x", "two", NULL);
	store_close(&b);
}

static void a_writer_who_would_be_alone_writes_beside_readers_too(void **state)
{
	struct fixture *f = *state;
	struct store reader = open_beside(f);
	assert_lacks(&reader, "x");
	for (int i = 1; i <= 2; i++) {
		struct store s = open_store(f);
		put_inline(&s, "x", i, "one");
		store_close(&s);
		assert_holds(&reader, "x", "one", NULL);
	}
	store_close(&reader);
}

static void what_is_replaced_does_not_add_up(void **state)
{
	struct fixture *f = *state;
	static char large[30000];
	memset(large, 'x', sizeof large - 1);
	for (int i = 0; i < 100; i++) {
		struct store s = open_store(f);
		put_inline(&s, "a", i, large);
		store_close(&s);
	}
	struct stat st;
	assert_int_equal(stat(database(f), &st), 0);
	assert_true(st.st_size < 1 << 20);
	if (stat(path_at_home(f, "cache.db-wal"), &st) == 0)
		assert_true(st.st_size < 1 << 20);
}

/* --- those that are killed --- */

struct victim {
	const struct fixture *fixture;
	struct gate at_work;
	bool writes;
};

static int stay(void *context, const struct entry_info *info)
{
	(void)info;
	gate_open(context);
	while (pause())
		;
	return DPC_OK;
}

/* Reads, or writes, and is in the middle of that until it is killed. */
static int be_victim(void *context)
{
	struct victim *v = context;
	struct store s;
	struct buf old = {0};
	struct entry_info e = entry("b", 2);
	if (store_open(&s, &v->fixture->home, v->writes, NULL) != DPC_OK)
		return 1;
	if (v->writes && (store_batch(&s, true, NULL) != DPC_OK ||
	                  store_put(&s, &e, slice_of("b"), &old, NULL) != DPC_OK))
		return 2;
	store_each(&s, stay, &v->at_work, NULL);
	return 3;
}

static pid_t start_victim(struct victim *v)
{
	gate_init(&v->at_work);
	pid_t pid = child_start(be_victim, v);
	gate_wait(&v->at_work);
	return pid;
}

static void a_writer_that_is_killed_has_not_been(void **state)
{
	struct fixture *f = *state;
	struct victim v = {.fixture = f, .writes = true};
	struct store s = open_store(f);
	put_inline(&s, "a", 1, "a");
	store_close(&s);
	child_kill(start_victim(&v));
	gate_release(&v.at_work);
	s = open_store(f);
	assert_holds(&s, "a", "a", NULL);
	assert_lacks(&s, "b");
	put_inline(&s, "c", 3, "c");
	assert_holds(&s, "c", "c", NULL);
	assert_int_equal(store_check(&s, NULL), DPC_OK);
	store_close(&s);
}

static void a_reader_that_is_killed_keeps_nothing_from_being_freed(void **state)
{
	struct fixture *f = *state;
	struct victim v = {.fixture = f};
	static char large[30000];
	struct stat st;
	memset(large, 'x', sizeof large - 1);
	struct store s = open_store(f), beside = open_beside(f);
	put_inline(&s, "a", 0, large);
	store_close(&s);
	child_kill(start_victim(&v));
	gate_release(&v.at_work);
	for (int i = 1; i < 100; i++) {
		s = open_store(f);
		put_inline(&s, "a", i, large);
		store_close(&s);
	}
	store_close(&beside);
	s = open_store(f);
	assert_int_equal(store_compact(&s, NULL), DPC_OK);
	store_close(&s);
	assert_int_equal(stat(database(f), &st), 0);
	assert_true(st.st_size < 1 << 20);
}

/* --- health --- */

static void a_healthy_store_is_found_healthy(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	put_inline(&s, "a", 1, "a");
	assert_int_equal(store_check(&s, NULL), DPC_OK);
	assert_int_equal(store_compact(&s, NULL), DPC_OK);
	assert_holds(&s, "a", "a", NULL);
	store_close(&s);
}

static void compacting_gives_space_back(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	static char large[1 << 20];
	struct stat before, after;
	memset(large, 'x', sizeof large - 1);
	put_inline(&s, "a", 1, large);
	assert_int_equal(store_compact(&s, NULL), DPC_OK);
	assert_int_equal(stat(database(f), &before), 0);
	put_inline(&s, "a", 2, "small");
	assert_int_equal(store_compact(&s, NULL), DPC_OK);
	assert_int_equal(stat(database(f), &after), 0);
	assert_true(after.st_size < before.st_size / 2);
	store_close(&s);
}

static void the_engine_says_who_it_is(void **state)
{
	(void)state;
	const struct engine_name *name = &engine_names[home_engine];
	assert_string_equal(store_engine(home_engine)->name, name->object ? name->object : name->scheme);
	assert_true(strlen(store_engine(home_engine)->version()) > 2);
}

static void a_database_that_was_truncated_is_corrupt_not_empty(void **state)
{
	struct fixture *f = *state;
	struct store s;
	plant(f);
	assert_int_equal(truncate(database(f), 0), 0);
	assert_int_equal(store_open(&s, &f->home, true, NULL), DPC_E_CORRUPT);
	store_close(&s);
}

static void a_file_that_is_no_database_is_corrupt(void **state)
{
	struct fixture *f = *state;
	struct store s;
	static uint8_t noise[20000];
	fill_noise(noise, sizeof noise, 1);
	write_file(database(f), noise, sizeof noise);
	dpc_error err = {0};
	assert_int_equal(store_open(&s, &f->home, true, &err), DPC_E_CORRUPT);
	assert_non_null(strstr(err.message, "doctor"));
	store_close(&s);
}

static void damage_is_an_error_never_a_wrong_answer(void **state)
{
	/* Any page may be lost. What still can be had must be what was put, or no
	 * capsule at all: those have sums of their own. */
	struct fixture *f = *state;
	struct buf good = {0};
	plant(f);
	read_file(&good, database(f));
	static const uint8_t zeros[512];
	for (size_t at = 0; at < good.size; at += sizeof zeros) {
		write_file(database(f), good.data, good.size);
		int fd = open(database(f), O_RDWR | O_CLOEXEC);
		assert_int_equal(pwrite(fd, zeros, sizeof zeros, (off_t)at), sizeof zeros);
		close(fd);
		struct store s;
		struct visits none = {.stop_after = 1};
		dpc_error err = {0};
		if (store_open(&s, &f->home, false, &err) == DPC_OK) {
			struct digest key = digest_named("m");
			struct buf bytes = {0}, file = {0};
			int rc = store_get(&s, &key, &bytes, &file, &err);
			assert_true(rc == DPC_OK || rc == DPC_MISS || rc < 0);
			store_each(&s, visit, &none, &err);
			store_check(&s, &err);
			struct buf old = {0};
			struct entry_info e = entry("new", 1);
			store_put(&s, &e, slice_of("capsule"), &old, &err);
			store_remove(&s, &key, &old, &err);
			store_compact(&s, &err);
			buf_release(&old);
			buf_release(&bytes);
			buf_release(&file);
		}
		store_close(&s);
		unlink(path_at_home(f, "cache.db-wal"));
		unlink(path_at_home(f, "cache.db-shm"));
	}
	buf_release(&good);
}

/* All that was planted, and what was not. */
static void get_all(struct store *s)
{
	for (char c = 'A'; c <= 'z'; c++) {
		char name[2] = {c, '\0'};
		struct digest key = digest_named(name);
		struct buf bytes = {0}, file = {0};
		int rc = store_get(s, &key, &bytes, &file, NULL);
		assert_true(rc == DPC_OK || rc == DPC_MISS || rc < 0);
		buf_release(&bytes);
		buf_release(&file);
	}
}

/* It reads on in a file that it has found sound before. */
static void damage_under_a_store_that_is_kept_ends_nobody(void **state)
{
	struct fixture *f = *state;
	struct buf good = {0};
	uint8_t noise[96];
	if (!store_engine(home_engine)->keeps)
		return;
	plant(f);
	read_file(&good, database(f));
	for (size_t at = 0; at + sizeof noise <= good.size; at += sizeof noise) {
		struct store s;
		write_file(database(f), good.data, good.size);
		assert_int_equal(store_open_kept(&s, &f->home, NULL), DPC_OK);
		assert_holds(&s, "m", "some capsule", NULL);
		int fd = open(database(f), O_RDWR | O_CLOEXEC);
		fill_noise(noise, sizeof noise, at);
		assert_int_equal(pwrite(fd, noise, sizeof noise, (off_t)at), sizeof noise);
		get_all(&s);
		memset(noise, at % 2 ? 0 : 0xff, sizeof noise);
		assert_int_equal(pwrite(fd, noise, sizeof noise, (off_t)at), sizeof noise);
		close(fd);
		get_all(&s);
		store_close(&s);
	}
	buf_release(&good);
}

static void what_is_quarantined_makes_room_for_a_new_one(void **state)
{
	struct fixture *f = *state;
	struct store s;
	char moved[256] = "";
	plant(f);
	assert_int_equal(store_engine(home_engine)->quarantine(&f->home, moved, sizeof moved, NULL), DPC_OK);
	assert_true(moved[0]);
	assert_int_equal(access(path_at_home(f, moved), F_OK), 0);
	assert_int_equal(store_open(&s, &f->home, false, NULL), DPC_E_NOTFOUND);
	store_close(&s);
	s = open_store(f);
	assert_lacks(&s, "a");
	store_close(&s);
}

static void who_only_looks_sees_all_makes_nothing_and_is_in_no_readers_way(void **state)
{
	struct fixture *f = *state;
	struct store look, reader;
	assert_int_equal(store_look_only(&look, &f->home, NULL), DPC_E_NOTFOUND);
	store_close(&look);
	struct store s = open_store(f);
	put_inline(&s, "a", 1, "capsule of a");
	store_close(&s);
	size_t files = count_files(path_at_home(f, "."), NULL);
	assert_int_equal(store_look_only(&look, &f->home, NULL), DPC_OK);
	assert_holds(&look, "a", "capsule of a", NULL);
	assert_int_equal(count_files(path_at_home(f, "."), NULL), files);
	assert_int_equal(home_lock(&f->home, 0, NULL), DPC_E_BUSY);
	assert_int_equal(store_open(&reader, &f->home, false, NULL), DPC_OK);
	assert_holds(&reader, "a", "capsule of a", NULL);
	store_close(&reader);
	store_close(&look);
	int lock = home_lock(&f->home, 0, NULL);
	assert_true(lock >= 0);
	home_unlock(lock);
}

static void what_cannot_be_listed_is_said_to_be_so(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct visits v = {.count = 0};
	dpc_error err = {0};
	put_inline(&s, "a", 1, "a");
	assert_int_equal(store_each(&s, visit, &v, &err), DPC_E_USAGE);
	assert_non_null(strstr(err.message, "cannot list"));
	assert_int_equal(v.count, 0);
	store_close(&s);
}

/* What each engine promises. */
static const struct CMUnitTest of_all[] = {
    with_home(what_was_put_is_got_after_it_was_closed),
    with_home(a_value_is_replaced_by_the_next),
    with_home(what_was_removed_is_gone),
    with_home(bytes_of_all_values_come_back),
    with_home(what_is_got_is_appended),
    with_home(has_is_about_exactly_one_entry),
    with_home(totals_add_up_and_can_be_reset),
    with_home(a_reader_sees_what_a_writer_has_finished),
    with_home(a_healthy_store_is_found_healthy),
    cmocka_unit_test(the_engine_says_who_it_is),
};

/* And those that can tell what they hold … */
static const struct CMUnitTest of_lists[] = {
    with_home(all_that_is_known_of_an_entry_can_be_visited),
    with_home(a_label_may_be_empty_or_hold_any_bytes),
    with_home(the_least_recently_used_is_visited_first),
    with_home(a_visitor_can_end_the_walk),
    with_home(an_empty_store_has_nothing_to_visit),
    with_home(hits_are_counted_to_their_entries),
};

/* … or say that they cannot. */
static const struct CMUnitTest of_no_lists[] = {
    with_home(what_cannot_be_listed_is_said_to_be_so),
};

/* Those whose truth is a file of their home. */
static const struct CMUnitTest of_files[] = {
    with_home(none_is_made_unless_asked_for),
    with_home(a_file_that_was_put_is_known_by_its_name),
    with_home(replacing_tells_the_old_file),
    with_home(removing_tells_the_old_file_and_looking_the_question),
    with_home(a_batch_is_on_disk_once_it_ended),
    with_home(a_batch_that_never_ended_has_not_been),
    with_home(a_writer_who_would_be_alone_writes_beside_readers_too),
    with_home(what_is_replaced_does_not_add_up),
    with_home(a_writer_that_is_killed_has_not_been),
    with_home(a_reader_that_is_killed_keeps_nothing_from_being_freed),
    with_home(compacting_gives_space_back),
    with_home(a_database_that_was_truncated_is_corrupt_not_empty),
    with_home(a_file_that_is_no_database_is_corrupt),
    with_home(damage_is_an_error_never_a_wrong_answer),
    with_home(damage_under_a_store_that_is_kept_ends_nobody),
    with_home(what_is_quarantined_makes_room_for_a_new_one),
    with_home(who_only_looks_sees_all_makes_nothing_and_is_in_no_readers_way),
};

int main(void)
{
	int failed = 0;
	for (home_engine = 0; home_engine < ENGINE_COUNT; home_engine++) {
		const struct engine_name *name = &engine_names[home_engine];
		if (!store_engine(home_engine) || !engine_can_be_asked())
			continue;
		failed += cmocka_run_group_tests_name(name->scheme, of_all, NULL, NULL);
		if (home_engine == ENGINE_MEMCACHED)
			failed += cmocka_run_group_tests_name(name->scheme, of_no_lists, NULL, NULL);
		else
			failed += cmocka_run_group_tests_name(name->scheme, of_lists, NULL, NULL);
		if (name->file)
			failed += cmocka_run_group_tests_name(name->scheme, of_files, NULL, NULL);
	}
	return failed;
}
