/* Names in directories. */
#include "support.h"

#include "tree.h"

#include <stdio.h>

/* What a walk of a glob told, as text: "L dir pattern" and "M path" lines, in
 * which the scratch directory is written as "~". */
struct told {
	struct buf text;
	const char *dir;
	int stop_after; /* this many calls; 0: never */
	int calls;
};

static void tell(struct told *t, const char *kind, const char *path, const char *pattern)
{
	size_t n = strlen(t->dir);
	bool below = strncmp(path, t->dir, n) == 0;
	char line[2 * PATH_MAX];
	int size = snprintf(line, sizeof line, "%s %s%s%s%s\n", kind, below ? "~" : "", below ? path + n : path,
	                    pattern ? " " : "", pattern ? pattern : "");
	buf_put(&t->text, line, (size_t)size);
	t->calls++;
}

static int on_listing(void *context, struct name_list *l, const char *dir, const char *pattern)
{
	struct told *t = context;
	tell(t, "L", dir, pattern);
	return t->calls == t->stop_after ? DPC_E_DENIED : tree_list(l, dir, pattern, NULL);
}

static int on_match(void *context, const char *path)
{
	struct told *t = context;
	tell(t, "M", path, NULL);
	return t->calls == t->stop_after ? DPC_E_DENIED : DPC_OK;
}

static void assert_glob(const struct fixture *f, const char *pattern, const char *expected)
{
	struct told t = {.dir = f->dir};
	const char *full = *pattern == '~' ? path_in(f, pattern + 2) : pattern;
	assert_int_equal(tree_glob(full, on_listing, on_match, &t, NULL), DPC_OK);
	buf_u8(&t.text, '\0');
	assert_string_equal((const char *)t.text.data, expected);
	buf_release(&t.text);
}

static void plant(const struct fixture *f)
{
	static const char *const files[] = {"src/b.c", "src/a.c", "src/a.h", "src/.hidden.c", "lib/x.c", "top.c"};
	make_directory(path_in(f, "src"));
	make_directory(path_in(f, "lib"));
	make_directory(path_in(f, "empty"));
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		write_text(path_in(f, files[i]), "x");
}

static void assert_names(const char *path, const char *pattern, const char *expected)
{
	struct name_list l = {0};
	struct buf text = {0};
	assert_int_equal(tree_list(&l, path, pattern, NULL), DPC_OK);
	for (size_t i = 0; i < l.count; i++) {
		buf_put(&text, name_list_at(&l, i), strlen(name_list_at(&l, i)));
		buf_u8(&text, ' ');
	}
	buf_u8(&text, '\0');
	assert_string_equal((const char *)text.data, expected);
	buf_release(&text);
	name_list_release(&l);
}

static void names_come_in_byte_order(void **state)
{
	struct fixture *f = *state;
	plant(f);
	assert_names(path_in(f, "src"), NULL, ".hidden.c a.c a.h b.c ");
	make_directory(path_in(f, "many"));
	static const char *const names[] = {"many/z", "many/B", "many/a", "many/\xc3\xa9", "many/10", "many/9"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		write_text(path_in(f, names[i]), "");
	assert_names(path_in(f, "many"), NULL, "10 9 B a z \xc3\xa9 ");
}

static void an_empty_directory_has_no_names(void **state)
{
	struct fixture *f = *state;
	plant(f);
	assert_names(path_in(f, "empty"), NULL, "");
	assert_names(path_in(f, "src"), "*.nothing", "");
}

static void a_pattern_picks_as_the_shell_does(void **state)
{
	struct fixture *f = *state;
	plant(f);
	assert_names(path_in(f, "src"), "*.c", "a.c b.c ");
	assert_names(path_in(f, "src"), "?.h", "a.h ");
	assert_names(path_in(f, "src"), "[ab].c", "a.c b.c ");
	assert_names(path_in(f, "src"), "[!a].c", "b.c ");
	assert_names(path_in(f, "src"), ".*", ".hidden.c ");
	assert_names(path_in(f, "src"), "[.]hidden.c", "");
}

static void a_directory_that_is_none_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct name_list l = {0};
	dpc_error err = {0};
	assert_int_equal(tree_list(&l, path_in(f, "nowhere"), NULL, &err), DPC_E_IO);
	assert_non_null(strstr(err.message, "nowhere"));
	name_list_release(&l);
}

static void more_names_than_fit_at_first_are_all_there(void **state)
{
	struct fixture *f = *state;
	make_directory(path_in(f, "many"));
	for (int i = 0; i < 500; i++) {
		char name[32];
		snprintf(name, sizeof name, "many/%03d", (i * 7) % 500);
		write_text(path_in(f, name), "");
	}
	struct name_list l = {0};
	assert_int_equal(tree_list(&l, path_in(f, "many"), NULL, NULL), DPC_OK);
	assert_int_equal(l.count, 500);
	for (size_t i = 0; i < l.count; i++)
		assert_int_equal(atoi(name_list_at(&l, i)), i);
	name_list_release(&l);
}

static void assert_enters(const char *dir, const char *name, const char *expected)
{
	char path[PATH_MAX];
	strcpy(path, dir);
	assert_int_equal(tree_enter(path, name, NULL), strlen(dir));
	assert_string_equal(path, expected);
}

static void paths_are_joined_with_one_slash(void **state)
{
	(void)state;
	assert_enters("a", "b", "a/b");
	assert_enters("a/", "b", "a/b");
	assert_enters("/", "b", "/b");
	assert_enters("", "b", "b");
	assert_enters("", "/b", "/b");
}

static void a_path_too_long_is_an_error_not_a_shorter_path(void **state)
{
	(void)state;
	char path[PATH_MAX];
	memset(path, 'd', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_true(tree_enter(path, "b", NULL) < 0);
	path[PATH_MAX - 3] = '\0';
	assert_true(tree_enter(path, "bc", NULL) < 0);
	assert_int_equal(strlen(path), PATH_MAX - 3);
	assert_int_equal(tree_enter(path, "b", NULL), PATH_MAX - 3);
}

static void a_glob_tells_every_directory_it_read(void **state)
{
	struct fixture *f = *state;
	plant(f);
	assert_glob(f, "~/src/*.c", "L ~/src *.c\nM ~/src/a.c\nM ~/src/b.c\n");
	assert_glob(f, "~/*/a.*",
	            "L ~ *\n"
	            "L ~/empty a.*\n"
	            "L ~/home a.*\n"
	            "L ~/lib a.*\n"
	            "L ~/src a.*\nM ~/src/a.c\nM ~/src/a.h\n");
}

static void a_file_on_the_way_of_a_glob_is_no_directory(void **state)
{
	/* top.c matches the first star, but has nothing below it. */
	struct fixture *f = *state;
	struct told t = {.dir = f->dir};
	plant(f);
	assert_int_equal(tree_glob(path_in(f, "t*/x"), on_listing, on_match, &t, NULL), DPC_OK);
	buf_u8(&t.text, '\0');
	assert_null(strstr((const char *)t.text.data, "top.c/x"));
	buf_release(&t.text);
}

static void what_follows_a_glob_is_told_existing_or_not(void **state)
{
	struct fixture *f = *state;
	plant(f);
	assert_glob(f, "~/[sl]*/x.c", "L ~ [sl]*\nM ~/lib/x.c\nM ~/src/x.c\n");
}

static void a_directory_missing_on_the_way_is_told(void **state)
{
	struct fixture *f = *state;
	plant(f);
	assert_glob(f, "~/nowhere/*.c", "M ~/nowhere\n");
	assert_glob(f, "~/nowhere/deeper/*.c", "M ~/nowhere\n");
	assert_glob(f, "~/[sl]*/sub/*.c", "L ~ [sl]*\nM ~/lib/sub\nM ~/src/sub\n");
}

static void a_relative_glob_yields_relative_paths(void **state)
{
	struct fixture *f = *state;
	plant(f);
	assert_int_equal(chdir(f->dir), 0);
	assert_glob(f, "*.c", "L . *.c\nM top.c\n");
	assert_glob(f, "./*.c", "L . *.c\nM ./top.c\n");
	assert_glob(f, "src//a.*", "L src a.*\nM src/a.c\nM src/a.h\n");
	assert_int_equal(chdir("/"), 0);
}

static void a_code_from_a_visitor_ends_the_walk(void **state)
{
	struct fixture *f = *state;
	plant(f);
	for (int stop = 1; stop <= 3; stop++) {
		struct told t = {.dir = f->dir, .stop_after = stop};
		assert_int_equal(tree_glob(path_in(f, "src/*.c"), on_listing, on_match, &t, NULL), DPC_E_DENIED);
		assert_int_equal(t.calls, stop);
		buf_release(&t.text);
	}
}

static void a_component_too_long_for_any_name_is_refused(void **state)
{
	struct fixture *f = *state;
	struct told t = {.dir = f->dir};
	char pattern[NAME_MAX + 32];
	memset(pattern, '*', sizeof pattern - 1);
	pattern[sizeof pattern - 1] = '\0';
	assert_int_equal(tree_glob(pattern, on_listing, on_match, &t, NULL), DPC_E_USAGE);
	buf_release(&t.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(names_come_in_byte_order),
	    with_home(an_empty_directory_has_no_names),
	    with_home(a_pattern_picks_as_the_shell_does),
	    with_home(a_directory_that_is_none_is_an_error),
	    with_home(more_names_than_fit_at_first_are_all_there),
	    cmocka_unit_test(paths_are_joined_with_one_slash),
	    cmocka_unit_test(a_path_too_long_is_an_error_not_a_shorter_path),
	    with_home(a_glob_tells_every_directory_it_read),
	    with_home(a_file_on_the_way_of_a_glob_is_no_directory),
	    with_home(what_follows_a_glob_is_told_existing_or_not),
	    with_home(a_directory_missing_on_the_way_is_told),
	    with_home(a_relative_glob_yields_relative_paths),
	    with_home(a_code_from_a_visitor_ends_the_walk),
	    with_home(a_component_too_long_for_any_name_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
