/* What is only GDBM's among the engines. */
#include "stored.h"

#include <fcntl.h>
#include <gdbm.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int in_gdbm(void **state)
{
	home_engine = ENGINE_GDBM;
	return fixture_setup(state);
}

static const char *spare(const struct fixture *f)
{
	return path_at_home(f, "cache.gdbm.spare");
}

static const char *log_of(const struct fixture *f)
{
	return path_at_home(f, "cache.gdbm.log");
}

/* Something put into the file by its own library, with the sum that we put before it. */
static void change(const struct fixture *f, const char *key, const char *value)
{
	struct buf summed = {0}, sealed = {0};
	GDBM_FILE file = gdbm_open(database(f), 0, GDBM_WRCREAT, 0600, NULL);
	assert_non_null(file);
	buf_put(&summed, key, strlen(key));
	buf_put(&summed, value, strlen(value));
	buf_u64(&sealed, hash64(summed.data, summed.size));
	buf_put(&sealed, value, strlen(value));
	datum k = {(char *)key, (int)strlen(key)}, v = {(char *)sealed.data, (int)sealed.size};
	assert_int_equal(gdbm_store(file, k, v, GDBM_REPLACE), 0);
	gdbm_close(file);
	buf_release(&summed);
	buf_release(&sealed);
}

static void put_as_ever(const struct fixture *f, const char *name, const char *capsule)
{
	struct store s = open_store(f);
	put_inline(&s, name, 1, capsule);
	store_close(&s);
}

static void assert_all_planted(const struct fixture *f)
{
	struct store s = open_store(f);
	for (char c = 'a'; c <= 'z'; c++)
		assert_holds(&s, (char[]){c, '\0'}, "some capsule", NULL);
	assert_int_equal(store_check(&s, NULL), DPC_OK);
	store_close(&s);
}

/* --- what is no store of ours --- */

static void somebody_elses_database_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store s;
	change(f, "key", "value");
	assert_int_equal(store_open(&s, &f->home, true, NULL), DPC_E_CORRUPT);
	store_close(&s);
}

static void a_later_schema_is_told_from_damage(void **state)
{
	struct fixture *f = *state;
	struct store s;
	plant(f);
	change(f, "v", "dpcache 99");
	assert_int_equal(store_open(&s, &f->home, true, NULL), DPC_E_VERSION);
	store_close(&s);
}

static void another_engines_file_is_told_by_its_name(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[4096] = "SQLite format 3";
	static const uint8_t lmdb[] = {0xDE, 0xC0, 0xEF, 0xBE};
	static const char *const names[] = {"SQLite", "LMDB"};
	for (size_t i = 0; i < 2; i++) {
		struct store s;
		dpc_error err = {0};
		write_file(database(f), bytes, sizeof bytes);
		assert_int_equal(store_open(&s, &f->home, true, &err), DPC_E_CORRUPT);
		assert_non_null(strstr(err.message, names[i]));
		store_close(&s);
		memset(bytes, 0, 16);
		memcpy(bytes + 16, lmdb, sizeof lmdb);
	}
}

static void a_symbolic_link_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct store s;
	plant(f);
	assert_int_equal(rename(database(f), path_in(f, "elsewhere")), 0);
	assert_int_equal(symlink("../elsewhere", database(f)), 0);
	assert_true(store_open(&s, &f->home, true, NULL) < 0);
	store_close(&s);
}

static void nobody_else_may_read_its_files(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	umask(0);
	plant(f);
	put_as_ever(f, "xx", "1");
	put_as_ever(f, "xx", "2");
	umask(022);
	const char *files[] = {database(f), spare(f), log_of(f)};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		assert_int_equal(stat(files[i], &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

/* --- damage --- */

static int use(void *context)
{
	const struct fixture *f = context;
	struct store s;
	struct buf bytes = {0}, file = {0};
	struct digest key = digest_named("m");
	struct entry_info e = entry("new", 1);
	struct visits none = {.stop_after = 1};
	/* Who would write, or go round, without end is killed. */
	struct rlimit file_size = {64 << 20, 64 << 20};
	setrlimit(RLIMIT_FSIZE, &file_size);
	alarm(60);
	if (store_open(&s, &f->home, true, NULL) == DPC_OK) {
		store_get(&s, &key, &bytes, &file, NULL);
		store_each(&s, visit, &none, NULL);
		store_put(&s, &e, slice_of("capsule"), &file, NULL);
		store_remove(&s, &key, &file, NULL);
		store_check(&s, NULL);
		store_compact(&s, NULL);
	}
	store_close(&s);
	buf_release(&bytes);
	buf_release(&file);
	return 0;
}

static void any_byte_may_be_any_other_and_ends_nobody(void **state)
{
	struct fixture *f = *state;
	struct buf good = {0};
	static uint8_t noise[4 * 2000];
	plant(f);
	/* Some of it free, so that there are tables of that. */
	for (char c = 'a'; c <= 'e'; c++)
		put_as_ever(f, (char[]){c, '\0'}, "another capsule");
	read_file(&good, database(f));
	fill_noise(noise, sizeof noise, 7);
	for (size_t i = 0; i < sizeof noise; i += 4) {
		/* Most of all in the first bytes of blocks, where their order is. */
		size_t block = noise[i] % (good.size / 4096) * 4096;
		size_t at = block + (noise[i + 1] & 128 ? noise[i + 1] & 127 : (noise[i + 1] * 256u + noise[i + 3]) % 4096);
		uint8_t was = good.data[at];
		good.data[at] = noise[i + 2];
		write_file(database(f), good.data, good.size);
		good.data[at] = was;
		int status = child_wait(child_start(use, f));
		if (status != 0)
			fail_msg("byte %zu made %u: %d", at, noise[i + 2], status);
	}
	buf_release(&good);
}

static void a_record_that_is_not_what_was_put_is_damage(void **state)
{
	struct fixture *f = *state;
	struct buf bytes = {0}, file = {0};
	struct digest key = digest_named("a");
	put_as_ever(f, "a", "capsule of a");
	read_file(&bytes, database(f));
	uint8_t *at = memmem(bytes.data, bytes.size, "capsule of a", 12);
	assert_non_null(at);
	at[11] = 'b';
	write_file(database(f), bytes.data, bytes.size);
	bytes.size = 0;
	struct store s;
	assert_int_equal(store_open(&s, &f->home, false, NULL), DPC_OK);
	assert_int_equal(store_get(&s, &key, &bytes, &file, NULL), DPC_E_CORRUPT);
	assert_int_equal(bytes.size, 0);
	assert_int_equal(store_check(&s, NULL), DPC_E_CORRUPT);
	store_close(&s);
	buf_release(&bytes);
}

/* --- the two files --- */

static void writers_take_turns_with_two_files_and_copy_neither(void **state)
{
	struct fixture *f = *state;
	plant(f);
	put_as_ever(f, "xx", "0");
	ino_t even = inode_of(database(f)), odd = inode_of(spare(f));
	for (int i = 0; i < 6; i++) {
		put_as_ever(f, "xx", i % 2 ? "even" : "odd");
		assert_true(inode_of(database(f)) == (i % 2 ? even : odd));
		assert_true(inode_of(spare(f)) == (i % 2 ? odd : even));
	}
	assert_all_planted(f);
}

/* Sound to look at, and not what it should be: who takes it for the truth loses "m". */
static void spoil_spare(const struct fixture *f)
{
	struct digest m = digest_named("m");
	char key[1 + sizeof m] = {'e'};
	memcpy(key + 1, m.bytes, sizeof m);
	GDBM_FILE file = gdbm_open(spare(f), 0, GDBM_WRITER, 0600, NULL);
	assert_non_null(file);
	assert_int_equal(gdbm_delete(file, (datum){key, sizeof key}), 0);
	gdbm_close(file);
}

/* What a writer may have left behind who was killed, or whose machine has stopped. */
static void lose_log(const struct fixture *f)
{
	spoil_spare(f);
	assert_int_equal(truncate(log_of(f), 0), 0);
}

static void break_log(const struct fixture *f)
{
	struct buf b = {0};
	spoil_spare(f);
	read_file(&b, log_of(f));
	b.data[b.size / 2] ^= 1;
	write_file(log_of(f), b.data, b.size);
	buf_release(&b);
}

/* As if of another boot: its sum is right. */
static void age_log(const struct fixture *f)
{
	struct buf b = {0};
	spoil_spare(f);
	read_file(&b, log_of(f));
	b.data[16] ^= 1;
	b.size -= sizeof(uint64_t);
	buf_u64(&b, hash64(b.data, b.size));
	write_file(log_of(f), b.data, b.size);
	buf_release(&b);
}

static void tear_spare(const struct fixture *f)
{
	static uint8_t noise[4096];
	fill_noise(noise, sizeof noise, 3);
	int fd = open(spare(f), O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, noise, sizeof noise, 8192), sizeof noise);
	close(fd);
}

static void empty_spare(const struct fixture *f)
{
	write_file(spare(f), "", 0);
}

static void lose_spare(const struct fixture *f)
{
	unlink(spare(f));
}

/* Of an earlier generation than the log goes on from. */
static void swap_spare(const struct fixture *f)
{
	struct buf b = {0};
	read_file(&b, spare(f));
	put_as_ever(f, "between", "1");
	put_as_ever(f, "last", "1");
	write_file(spare(f), b.data, b.size);
	buf_release(&b);
}

static void what_a_writer_leaves_half_done_is_nobodys_answer(void **state)
{
	static void (*const accidents[])(const struct fixture *f) = {
	    lose_log, break_log, age_log, tear_spare, empty_spare, lose_spare, swap_spare};
	struct fixture *f = *state;
	plant(f);
	for (size_t i = 0; i < sizeof accidents / sizeof *accidents; i++) {
		put_as_ever(f, "xx", "before");
		accidents[i](f);
		put_as_ever(f, "yy", "after");
		put_as_ever(f, "yy", "after that");
		assert_all_planted(f);
		struct store s = open_store(f);
		assert_holds(&s, "xx", "before", NULL);
		assert_holds(&s, "yy", "after that", NULL);
		if (accidents[i] == swap_spare)
			assert_holds(&s, "between", "1", NULL);
		store_close(&s);
	}
}

struct half_way {
	const struct fixture *fixture;
	struct gate at_work;
};

static int stay_half_way(void *context)
{
	struct half_way *w = context;
	struct store s;
	struct buf old = {0};
	struct entry_info e = entry("half", 1);
	if (store_open(&s, &w->fixture->home, true, NULL) != DPC_OK || store_batch(&s, true, NULL) != DPC_OK ||
	    store_put(&s, &e, slice_of("half"), &old, NULL) != DPC_OK)
		return 1;
	gate_open(&w->at_work);
	while (pause())
		;
	return 0;
}

static void what_was_put_by_who_was_killed_half_way_does_not_come_up_later(void **state)
{
	struct fixture *f = *state;
	struct half_way w = {.fixture = f};
	plant(f);
	put_as_ever(f, "xx", "there is a spare now");
	gate_init(&w.at_work);
	pid_t pid = child_start(stay_half_way, &w);
	gate_wait(&w.at_work);
	child_kill(pid);
	gate_release(&w.at_work);
	put_as_ever(f, "yy", "after");
	assert_all_planted(f);
	struct store s = open_store(f);
	assert_lacks(&s, "half");
	store_close(&s);
}

static int write_until_killed(void *context)
{
	struct fixture *f = context;
	for (int64_t i = 0;; i++) {
		struct store s;
		struct buf old = {0};
		struct entry_info e = entry("xx", i), twin = entry("twin", i);
		if (store_open(&s, &f->home, true, NULL) != DPC_OK)
			return 1;
		/* Both, or neither. */
		store_batch(&s, true, NULL);
		store_put(&s, &e, slice_of("capsule"), &old, NULL);
		store_put(&s, &twin, slice_of("capsule"), &old, NULL);
		if (store_batch(&s, false, NULL) != DPC_OK)
			return 2;
		store_close(&s);
		buf_release(&old);
	}
}

static void a_writer_killed_anywhere_leaves_all_of_a_change_or_none(void **state)
{
	struct fixture *f = *state;
	struct entry_info x = {.created = -1}, twin = {.created = -2};
	struct digest key = digest_named("xx"), other = digest_named("twin");
	plant(f);
	for (int i = 0; i < 60; i++) {
		ino_t before = inode_of(database(f));
		pid_t pid = child_start(write_until_killed, f);
		/* It is at work; where in it, chance says. */
		while (inode_of(database(f)) == before)
			;
		child_kill(pid);
		struct store s = open_store(f);
		assert_int_equal(store_check(&s, NULL), DPC_OK);
		assert_int_equal(store_look(&s, &key, &x, NULL), DPC_OK);
		assert_int_equal(store_look(&s, &other, &twin, NULL), DPC_OK);
		assert_true(x.created == twin.created);
		store_close(&s);
	}
	assert_all_planted(f);
}

/* --- readers and writers --- */

static int write_meanwhile(void *context, const struct entry_info *info)
{
	const struct fixture *f = context;
	assert_true(info->created < 1000);
	for (int i = 0; i < 3; i++) {
		struct store s = open_store(f);
		put_inline(&s, "a", 1000 + i, "new");
		put_inline(&s, "m", 1000 + i, "new");
		store_close(&s);
	}
	return DPC_OK;
}

static void who_reads_goes_on_in_what_he_began_and_keeps_no_writer_waiting(void **state)
{
	struct fixture *f = *state;
	struct store reader = open_beside(f);
	plant(f);
	assert_int_equal(store_each(&reader, write_meanwhile, f, NULL), DPC_OK);
	assert_holds(&reader, "m", "new", NULL);
	assert_holds(&reader, "n", "some capsule", NULL);
	store_close(&reader);
}

static void who_stays_open_sees_each_change_as_it_is_made(void **state)
{
	struct fixture *f = *state;
	struct store reader = open_beside(f);
	for (int i = 0; i < 10; i++) {
		char text[16];
		snprintf(text, sizeof text, "%d", i);
		put_as_ever(f, "xx", text);
		if (i % 3 == 0)
			assert_holds(&reader, "xx", text, NULL);
	}
	assert_holds(&reader, "xx", "9", NULL);
	store_close(&reader);
}

static int put_too_much(void *context)
{
	const struct fixture *f = context;
	struct store s;
	struct buf old = {0};
	static uint8_t large[1 << 20];
	struct entry_info e = entry("large", 1);
	struct rlimit limit = {300000, 300000};
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	if (store_open(&s, &f->home, true, NULL) != DPC_OK)
		return 1;
	int rc = store_put(&s, &e, (struct slice){large, sizeof large}, &old, NULL);
	store_close(&s);
	return rc == DPC_E_IO ? 0 : 2;
}

static void what_cannot_be_written_leaves_all_as_it_was(void **state)
{
	struct fixture *f = *state;
	plant(f);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(child_wait(child_start(put_too_much, f)), 0);
		assert_int_equal(access(spare(f), F_OK), -1);
		assert_all_planted(f);
		put_as_ever(f, "xx", "there is a spare now");
	}
}

#define in_home(test) cmocka_unit_test_setup_teardown(test, in_gdbm, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    in_home(somebody_elses_database_is_refused),
	    in_home(a_later_schema_is_told_from_damage),
	    in_home(another_engines_file_is_told_by_its_name),
	    in_home(a_symbolic_link_is_not_followed),
	    in_home(nobody_else_may_read_its_files),
	    in_home(any_byte_may_be_any_other_and_ends_nobody),
	    in_home(a_record_that_is_not_what_was_put_is_damage),
	    in_home(writers_take_turns_with_two_files_and_copy_neither),
	    in_home(what_a_writer_leaves_half_done_is_nobodys_answer),
	    in_home(what_was_put_by_who_was_killed_half_way_does_not_come_up_later),
	    in_home(a_writer_killed_anywhere_leaves_all_of_a_change_or_none),
	    in_home(who_reads_goes_on_in_what_he_began_and_keeps_no_writer_waiting),
	    in_home(who_stays_open_sees_each_change_as_it_is_made),
	    in_home(what_cannot_be_written_leaves_all_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
