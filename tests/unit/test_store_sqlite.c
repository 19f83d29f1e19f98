/* What is only SQLite's among the engines. */
#include "stored.h"

#include <sqlite3.h>

static void the_library_in_use_is_named(void **state)
{
	(void)state;
	assert_string_equal(store_engine(ENGINE_SQLITE)->version(), sqlite3_libversion());
}

static void change(const struct fixture *f, const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path_at_home(f, "cache.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void somebody_elses_database_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store s;
	change(f, "CREATE TABLE t(x)");
	assert_int_equal(store_open(&s, &f->home, true, NULL), DPC_E_CORRUPT);
	store_close(&s);
}

static void a_later_schema_is_told_from_damage(void **state)
{
	struct fixture *f = *state;
	struct store s;
	plant(f);
	change(f, "PRAGMA user_version = 99");
	dpc_error err = {0};
	assert_int_equal(store_open(&s, &f->home, true, &err), DPC_E_VERSION);
	assert_int_equal(err.code, DPC_E_VERSION);
	store_close(&s);
}

static void a_log_left_by_another_database_is_not_played_into_a_new_one(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	put_inline(&s, "a", 1, "a");
	store_close(&s);
	/* Only the database is deleted, by hand; its log stays. */
	assert_int_equal(unlink(path_at_home(f, "cache.db")), 0);
	s = open_store(f);
	assert_lacks(&s, "a");
	assert_int_equal(store_check(&s, NULL), DPC_OK);
	store_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_library_in_use_is_named),
	    with_home(somebody_elses_database_is_refused),
	    with_home(a_later_schema_is_told_from_damage),
	    with_home(a_log_left_by_another_database_is_not_played_into_a_new_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
