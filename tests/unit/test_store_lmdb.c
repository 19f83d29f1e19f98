/* What is only LMDB's among the engines. */
#include "stored.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <sys/stat.h>

static int in_lmdb(void **state)
{
	home_engine = ENGINE_LMDB;
	return fixture_setup(state);
}

/* Something put into the file by its own library. */
static void change(const struct fixture *f, const char *key, const char *value)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi table;
	MDB_val k = {strlen(key), (void *)key}, v = {strlen(value), (void *)value};
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, database(f), MDB_NOSUBDIR, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &table), 0);
	assert_int_equal(mdb_put(txn, table, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

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
	dpc_error err = {0};
	plant(f);
	change(f, "v", "dpcache 99");
	assert_int_equal(store_open(&s, &f->home, true, &err), DPC_E_VERSION);
	assert_int_equal(err.code, DPC_E_VERSION);
	store_close(&s);
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

static int use(void *context)
{
	const struct fixture *f = context;
	struct store s;
	struct buf bytes = {0}, file = {0};
	struct digest key = digest_named("m");
	struct entry_info e = entry("new", 1);
	struct visits none = {.stop_after = 1};
	if (store_open(&s, &f->home, true, NULL) == DPC_OK) {
		store_get(&s, &key, &bytes, &file, NULL);
		store_each(&s, visit, &none, NULL);
		store_put(&s, &e, slice_of("capsule"), &file, NULL);
		store_remove(&s, &key, &file, NULL);
		store_check(&s, NULL);
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
	static uint8_t noise[3 * 2000];
	plant(f);
	/* Some of it free, so that there are pages of all kinds. */
	struct store s = open_store(f);
	for (char c = 'a'; c <= 'e'; c++)
		put_inline(&s, (char[]){c, '\0'}, 1, "another capsule");
	store_close(&s);
	read_file(&good, database(f));
	fill_noise(noise, sizeof noise, 7);
	for (size_t i = 0; i < sizeof noise; i += 3) {
		/* Most of all in the first bytes of pages, where their order is. */
		size_t page = noise[i] % (good.size / 4096) * 4096;
		size_t at = page + (noise[i + 1] & 128 ? noise[i + 1] & 127 : noise[i + 1] * 32u);
		uint8_t was = good.data[at];
		good.data[at] = noise[i + 2];
		unlink(path_at_home(f, "cache.mdb-lock"));
		write_file(database(f), good.data, good.size);
		good.data[at] = was;
		int status = child_wait(child_start(use, f));
		if (status != 0)
			fail_msg("byte %zu made %u: %d", at, noise[i + 2], status);
	}
	buf_release(&good);
}

/* --- the map --- */

struct reader {
	const struct fixture *fixture;
	struct gate open, grown;
};

static int read_when_grown(void *context)
{
	struct reader *r = context;
	struct store s;
	struct buf bytes = {0}, file = {0};
	struct digest a = digest_named("a"), large = digest_named("large");
	if (store_open(&s, &r->fixture->home, false, NULL) != DPC_OK)
		return 1;
	int before = store_get(&s, &a, &bytes, &file, NULL);
	gate_open(&r->open);
	gate_wait(&r->grown);
	bytes.size = 0;
	int after = store_get(&s, &large, &bytes, &file, NULL);
	store_close(&s);
	return before == DPC_OK && after == DPC_OK && bytes.size == (size_t)80 << 20 ? 0 : 2;
}

static void what_outgrows_the_map_is_put_and_read_by_who_had_it_open(void **state)
{
	struct fixture *f = *state;
	struct reader r = {.fixture = f};
	struct buf old = {0};
	size_t size = (size_t)80 << 20;
	uint8_t *bytes = calloc(1, size);
	assert_non_null(bytes);
	struct store s = open_store(f);
	put_inline(&s, "a", 1, "a");
	gate_init(&r.open);
	gate_init(&r.grown);
	store_close(&s);
	pid_t pid = child_start(read_when_grown, &r);
	gate_wait(&r.open);
	s = open_store(f);
	struct entry_info e = entry("large", 2);
	assert_int_equal(store_put(&s, &e, (struct slice){bytes, size}, &old, NULL), DPC_OK);
	assert_holds(&s, "a", "a", NULL);
	store_close(&s);
	gate_open(&r.grown);
	assert_int_equal(child_wait(pid), 0);
	gate_release(&r.open);
	gate_release(&r.grown);
	free(bytes);
}

static int hold_open(void *context)
{
	struct reader *r = context;
	struct store s;
	if (store_open(&s, &r->fixture->home, false, NULL) != DPC_OK)
		return 1;
	gate_open(&r->open);
	gate_wait(&r->grown);
	struct buf bytes = {0}, file = {0};
	struct digest a = digest_named("a");
	int rc = store_get(&s, &a, &bytes, &file, NULL);
	store_close(&s);
	return rc == DPC_OK ? 0 : 2;
}

static void compacting_waits_for_another_day_where_somebody_reads(void **state)
{
	struct fixture *f = *state;
	struct reader r = {.fixture = f};
	plant(f);
	gate_init(&r.open);
	gate_init(&r.grown);
	pid_t pid = child_start(hold_open, &r);
	gate_wait(&r.open);
	ino_t before = inode_of(database(f));
	struct store s = open_store(f);
	assert_int_equal(store_compact(&s, NULL), DPC_OK);
	assert_true(inode_of(database(f)) == before);
	assert_holds(&s, "a", "some capsule", NULL);
	store_close(&s);
	gate_open(&r.grown);
	assert_int_equal(child_wait(pid), 0);
	s = open_store(f);
	assert_int_equal(store_compact(&s, NULL), DPC_OK);
	assert_true(inode_of(database(f)) != before);
	assert_holds(&s, "a", "some capsule", NULL);
	store_close(&s);
	gate_release(&r.open);
	gate_release(&r.grown);
}

static void nobody_else_may_read_its_files(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	static const char *const files[] = {"cache.mdb", "cache.mdb-lock"};
	umask(0);
	plant(f);
	use(f);
	umask(022);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		assert_int_equal(stat(path_at_home(f, files[i]), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

#define in_home(test) cmocka_unit_test_setup_teardown(test, in_lmdb, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    in_home(somebody_elses_database_is_refused),
	    in_home(a_later_schema_is_told_from_damage),
	    in_home(a_symbolic_link_is_not_followed),
	    in_home(any_byte_may_be_any_other_and_ends_nobody),
	    in_home(what_outgrows_the_map_is_put_and_read_by_who_had_it_open),
	    in_home(compacting_waits_for_another_day_where_somebody_reads),
	    in_home(nobody_else_may_read_its_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
