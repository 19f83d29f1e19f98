/* The cache directory: where it is, and whether it may be trusted. */
#include "support.h"

#include "home.h"
#include "os.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static const char *from_account(void)
{
	return "/account";
}

static const char *no_account(void)
{
	return NULL;
}

static int bare_environment(void **state)
{
	(void)state;
	clearenv();
	return 0;
}

static void assert_located(const char *url, const char *expected)
{
	struct home h;
	dpc_error err = {0};
	if (home_locate(&h, url, from_account, &err) != DPC_OK)
		fail_msg("%s", err.message);
	assert_string_equal(h.path, expected);
}

static void the_environment_says_where_in_this_order(void **state)
{
	(void)state;
	struct home h;
	assert_int_equal(home_locate(&h, NULL, no_account, NULL), DPC_E_HOME);
	assert_int_equal(home_locate(&h, NULL, NULL, NULL), DPC_E_HOME);
	assert_located(NULL, "/account/.cache/dpcache");
	setenv("HOME", "/home/me", 1);
	assert_located(NULL, "/home/me/.cache/dpcache");
	setenv("XDG_CACHE_HOME", "/xdg", 1);
	assert_located(NULL, "/xdg/dpcache");
	setenv("DPCACHE_DIR", "/mine", 1);
	assert_located(NULL, "/mine");
	setenv("DPCACHE_STORE", "sqlite:", 1);
	assert_located(NULL, "/mine");
	setenv("DPCACHE_STORE", "sqlite:/store", 1);
	assert_located(NULL, "/store");
	assert_located("sqlite:/given", "/given");
	assert_located("sqlite:", "/mine");
	assert_located("lmdb:", "/mine");
}

static void each_engine_has_a_default_directory_of_its_own(void **state)
{
	(void)state;
	setenv("HOME", "/home/me", 1);
	assert_located("sqlite:", "/home/me/.cache/dpcache");
	assert_located("lmdb:", "/home/me/.cache/dpcache-lmdb");
	setenv("XDG_CACHE_HOME", "/xdg", 1);
	assert_located("lmdb:", "/xdg/dpcache-lmdb");
	assert_located("lmdb:/given", "/given");
	assert_located("null:", "");
}

static void what_is_empty_or_relative_is_as_good_as_unset(void **state)
{
	(void)state;
	setenv("HOME", "/home/me", 1);
	setenv("DPCACHE_DIR", "", 1);
	setenv("DPCACHE_STORE", "", 1);
	setenv("XDG_CACHE_HOME", "", 1);
	assert_located(NULL, "/home/me/.cache/dpcache");
	/* The XDG rules: a relative path is to be ignored. */
	setenv("XDG_CACHE_HOME", "cache", 1);
	assert_located(NULL, "/home/me/.cache/dpcache");
	setenv("HOME", "", 1);
	assert_located(NULL, "/account/.cache/dpcache");
}

static void slashes_at_the_end_are_dropped(void **state)
{
	/* With one, open would follow a symbolic link. */
	(void)state;
	assert_located("sqlite:/given//", "/given");
	assert_located("sqlite:/", "/");
}

static void a_store_that_is_not_built_in_is_refused(void **state)
{
	(void)state;
	struct home h;
	dpc_error err = {0};
	static const char *const urls[] = {"paper://x", "", "sqlite", "SQLITE:", "/some/path", "null:/x", "lmd:", "lmdbx:"};
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
		assert_int_equal(home_locate(&h, urls[i], from_account, &err), DPC_E_USAGE);
}

static void a_password_in_a_url_is_not_told(void **state)
{
	(void)state;
	struct home h;
	dpc_error err = {0};
	assert_int_equal(home_locate(&h, "paper://me:secret@host", from_account, &err), DPC_E_USAGE);
	assert_non_null(strstr(err.message, "'paper:'"));
	assert_null(strstr(err.message, "secret"));
}

static void a_path_too_long_is_refused(void **state)
{
	(void)state;
	struct home h;
	char url[PATH_MAX + 64] = "sqlite:/";
	memset(url + 8, 'x', PATH_MAX);
	assert_int_equal(home_locate(&h, url, from_account, NULL), DPC_E_HOME);
}

/* --- opening --- */

static int create(const char *path)
{
	struct home h;
	dpc_error err = {0};
	int rc = create_home(&h, path, &err);
	assert_int_equal(h.fd >= 0, rc == DPC_OK);
	if (rc < 0)
		assert_int_equal(err.code, rc);
	home_close(&h);
	return rc;
}

static int open_existing(const char *path)
{
	struct home h;
	dpc_error err = {0};
	int rc = open_home(&h, path, &err);
	if (rc < 0)
		assert_int_equal(err.code, rc);
	home_close(&h);
	return rc;
}

static void opening_makes_nothing(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(open_existing(path_in(f, "none")), DPC_E_NOTFOUND);
	assert_int_equal(access(path_in(f, "none"), F_OK), -1);
	make_directory(path_in(f, "empty"));
	assert_int_equal(open_existing(path_in(f, "empty")), DPC_E_NOTFOUND);
	assert_int_equal(count_files(path_in(f, "empty"), NULL), 0);
}

static void creating_makes_all_there_is_to_make(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	umask(0);
	assert_int_equal(create(path_in(f, "a/b/c")), DPC_OK);
	umask(022);
	assert_int_equal(stat(path_in(f, "a/b/c"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(path_in(f, "a"), &st), 0);
	assert_int_equal(st.st_mode & 022, 0);
	assert_int_equal(access(path_in(f, "a/b/c/CACHEDIR.TAG"), F_OK), 0);
	assert_int_equal(open_existing(path_in(f, "a/b/c")), DPC_OK);
	assert_int_equal(create(path_in(f, "a/b/c")), DPC_OK);
}

static void a_home_is_made_though_nobody_asks_for_errors(void **state)
{
	struct fixture *f = *state;
	struct home h;
	assert_int_equal(create_home(&h, path_in(f, "new"), NULL), DPC_OK);
	home_close(&h);
	assert_int_equal(open_home(&h, path_in(f, "none"), NULL), DPC_E_NOTFOUND);
}

static void the_same_state_is_found_again(void **state)
{
	struct fixture *f = *state;
	struct home a, b;
	assert_int_equal(open_home(&a, path_in(f, "home"), NULL), DPC_OK);
	assert_int_equal(open_home(&b, path_in(f, "home"), NULL), DPC_OK);
	assert_memory_equal(a.state.secret, b.state.secret, sizeof a.state.secret);
	assert_true(a.state.floor == b.state.floor);
	home_close(&a);
	home_close(&b);
}

static int create_lmdb(struct home *h, const struct fixture *f, dpc_error *err)
{
	char url[PATH_MAX + 8];
	snprintf(url, sizeof url, "lmdb:%s", path_in(f, "home"));
	assert_int_equal(home_locate(h, url, NULL, err), DPC_OK);
	int rc = home_create(h, err);
	home_close(h);
	return rc;
}

static void a_home_is_one_engines(void **state)
{
	struct fixture *f = *state;
	struct home h;
	dpc_error err = {0};
	assert_int_equal(create_lmdb(&h, f, &err), DPC_E_HOME);
	assert_non_null(strstr(err.message, "holds an SQLite cache; use sqlite:/"));
	assert_int_equal(home_open(&h, NULL), DPC_E_HOME);
	/* Where the state is lost, its file says so. */
	assert_int_equal(unlink(path_at_home(f, "state")), 0);
	write_text(path_at_home(f, "cache.db"), "");
	assert_int_equal(create_lmdb(&h, f, NULL), DPC_E_HOME);
	assert_int_equal(unlink(path_at_home(f, "cache.db")), 0);
	assert_int_equal(create_lmdb(&h, f, NULL), DPC_OK);
	assert_int_equal(create(path_in(f, "home")), DPC_E_HOME);
}

static void where_nothing_is_kept_nothing_is_made(void **state)
{
	(void)state;
	struct home h;
	dpc_error err = {0};
	assert_int_equal(home_locate(&h, "null:", NULL, NULL), DPC_OK);
	assert_int_equal(home_open(&h, NULL), DPC_E_NOTFOUND);
	assert_int_equal(home_create(&h, &err), DPC_MISS);
	assert_non_null(strstr(err.message, "null:"));
	home_close(&h);
}

static void a_symbolic_link_is_refused(void **state)
{
	struct fixture *f = *state;
	struct home h;
	dpc_error err = {0};
	assert_int_equal(symlink("home", path_in(f, "link")), 0);
	assert_int_equal(create_home(&h, path_in(f, "link"), &err), DPC_E_HOME);
	assert_non_null(strstr(err.message, "symbolic link"));
	assert_int_equal(symlink("nowhere", path_in(f, "void")), 0);
	assert_int_equal(create(path_in(f, "void")), DPC_E_HOME);
	assert_int_equal(access(path_in(f, "nowhere"), F_OK), -1);
}

static void a_directory_that_others_can_write_to_is_refused(void **state)
{
	struct fixture *f = *state;
	static const mode_t modes[] = {0720, 0702, 0777, 01777};
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		assert_int_equal(chmod(path_in(f, "home"), modes[i]), 0);
		assert_int_equal(create(path_in(f, "home")), DPC_E_HOME);
		assert_int_equal(open_existing(path_in(f, "home")), DPC_E_HOME);
	}
	assert_int_equal(chmod(path_in(f, "home"), 0755), 0);
	assert_int_equal(create(path_in(f, "home")), DPC_OK);
}

static void somebody_elses_directory_is_refused(void **state)
{
	struct fixture *f = *state;
	if (getuid() != 0)
		skip();
	assert_int_equal(chown(path_in(f, "home"), 65534, 65534), 0);
	assert_int_equal(create(path_in(f, "home")), DPC_E_HOME);
	assert_int_equal(open_existing(path_in(f, "home")), DPC_E_HOME);
}

static void what_is_no_directory_is_refused(void **state)
{
	struct fixture *f = *state;
	write_text(path_in(f, "file"), "x");
	assert_int_equal(create(path_in(f, "file")), DPC_E_HOME);
	assert_true(create(path_in(f, "file/below")) < 0);
}

static void its_descriptors_are_out_of_the_commands_way(void **state)
{
	struct fixture *f = *state;
	assert_true(f->home.fd >= OS_FD_FLOOR);
	assert_true(fcntl(f->home.fd, F_GETFD) & FD_CLOEXEC);
	int fd = home_open_file(&f->home, "one/two", O_WRONLY | O_CREAT);
	assert_true(fd >= OS_FD_FLOOR);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	int lock = home_lock(&f->home, 0, NULL);
	assert_true(lock >= OS_FD_FLOOR);
	assert_true(fcntl(lock, F_GETFD) & FD_CLOEXEC);
	home_unlock(lock);
}

static void one_at_a_time_holds_the_write_lock(void **state)
{
	struct fixture *f = *state;
	dpc_error err = {0};
	int lock = home_lock(&f->home, 0, NULL);
	assert_true(lock >= 0);
	assert_int_equal(home_lock(&f->home, 0, &err), DPC_E_BUSY);
	assert_int_equal(err.code, DPC_E_BUSY);
	home_unlock(lock);
	lock = home_lock(&f->home, 0, NULL);
	assert_true(lock >= 0);
	home_unlock(lock);
	home_unlock(-1);
}

static void files_are_made_with_their_directories_but_not_through_links(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	int fd = home_open_file(&f->home, "data/ab/cd", O_WRONLY | O_CREAT);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(stat(path_at_home(f, "data/ab/cd"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(path_at_home(f, "data/ab"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(home_open_file(&f->home, "data/none", O_RDONLY), -1);
	assert_int_equal(home_open_file(&f->home, "gone/none", O_RDONLY), -1);
	assert_int_equal(access(path_at_home(f, "gone"), F_OK), -1);
	assert_int_equal(symlink(path_in(f, "elsewhere"), path_at_home(f, "link")), 0);
	assert_int_equal(home_open_file(&f->home, "link", O_WRONLY | O_CREAT), -1);
	assert_int_equal(access(path_in(f, "elsewhere"), F_OK), -1);
	assert_int_equal(home_mkdir(&f->home, "data"), 0);
}

#define in_bare_environment(test) cmocka_unit_test_setup(test, bare_environment)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    in_bare_environment(the_environment_says_where_in_this_order),
	    in_bare_environment(each_engine_has_a_default_directory_of_its_own),
	    in_bare_environment(what_is_empty_or_relative_is_as_good_as_unset),
	    in_bare_environment(slashes_at_the_end_are_dropped),
	    in_bare_environment(a_store_that_is_not_built_in_is_refused),
	    in_bare_environment(a_password_in_a_url_is_not_told),
	    in_bare_environment(a_path_too_long_is_refused),
	    with_home(opening_makes_nothing),
	    with_home(creating_makes_all_there_is_to_make),
	    with_home(a_home_is_made_though_nobody_asks_for_errors),
	    with_home(the_same_state_is_found_again),
	    with_home(a_home_is_one_engines),
	    with_home(where_nothing_is_kept_nothing_is_made),
	    with_home(a_symbolic_link_is_refused),
	    with_home(a_directory_that_others_can_write_to_is_refused),
	    with_home(somebody_elses_directory_is_refused),
	    with_home(what_is_no_directory_is_refused),
	    with_home(its_descriptors_are_out_of_the_commands_way),
	    with_home(one_at_a_time_holds_the_write_lock),
	    with_home(files_are_made_with_their_directories_but_not_through_links),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
