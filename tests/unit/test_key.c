/* Question and observations → canonical bytes → key. */
#include "support.h"

#include "key.h"

#include <sys/stat.h>

static const uint8_t SECRET[16] = "0123456789abcde", OTHER_SECRET[16] = "0123456789abcdf";

static char *const ARGV[] = {(char *)"make", (char *)"-j", (char *)"all", NULL};

static struct question plain(void)
{
	return (struct question){.argv = ARGV, .exe = "/usr/bin/make", .secret = SECRET};
}

static struct digest hash_of(struct question *q)
{
	struct buf b = {0};
	dpc_error err = {0};
	if (question_encode(&b, q, &err) != DPC_OK)
		fail_msg("%s", err.message);
	struct digest d = question_hash(slice_of_buf(&b));
	buf_release(&b);
	return d;
}

static void assert_differ(struct question a, struct question b)
{
	struct digest first = hash_of(&a), second = hash_of(&b);
	assert_digests_differ(&first, &second);
}

static void assert_same(struct question a, struct question b)
{
	struct digest first = hash_of(&a), second = hash_of(&b);
	assert_digests_equal(&first, &second);
}

static bool contains(const struct buf *b, const char *text)
{
	return memmem(b->data, b->size, text, strlen(text)) != NULL;
}

/* The process's surroundings, the same for every test. */
static int surroundings(void **state)
{
	(void)state;
	clearenv();
	umask(022);
	return setenv("PATH", "/bin:/usr/bin", 1) || chdir("/");
}

static void the_same_question_has_the_same_bytes(void **state)
{
	(void)state;
	assert_same(plain(), plain());
}

static void every_argument_counts(void **state)
{
	(void)state;
	static char *const others[][4] = {
	    {(char *)"make", (char *)"-j", NULL},
	    {(char *)"make", (char *)"-j", (char *)"al", NULL},
	    {(char *)"make", (char *)"all", (char *)"-j", NULL},
	    {(char *)"make", (char *)"-jall", NULL},
	    {(char *)"make", (char *)"-j all", NULL},
	    {(char *)"Make", (char *)"-j", (char *)"all", NULL},
	    {(char *)"make", (char *)"", (char *)"-jall", NULL},
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct question q = plain();
		q.argv = others[i];
		assert_differ(plain(), q);
	}
}

static void an_empty_argument_is_not_no_argument(void **state)
{
	(void)state;
	static char *const with[] = {(char *)"make", (char *)"", NULL}, *const without[] = {(char *)"make", NULL};
	struct question a = plain(), b = plain();
	a.argv = with;
	b.argv = without;
	assert_differ(a, b);
}

static void each_part_changes_the_hash(void **state)
{
	(void)state;
	struct digest digest = digest_named("stdin");
	struct question q = plain();
	q.exe = "/usr/local/bin/make";
	assert_differ(plain(), q);
	q.exe = NULL;
	assert_differ(plain(), q);
	q = plain(), q.region = "web";
	assert_differ(plain(), q);
	q.region = "";
	assert_differ(plain(), q);
	q = plain(), q.salt = "";
	assert_differ(plain(), q);
	q = plain(), q.stdin_digest = &digest;
	assert_differ(plain(), q);
	q = plain(), q.merged = true;
	assert_differ(plain(), q);
	q = plain(), q.no_cwd = true;
	assert_differ(plain(), q);
	q = plain(), q.no_path = true;
	assert_differ(plain(), q);
	q = plain(), q.no_uid = true;
	assert_differ(plain(), q);
}

static void parts_of_equal_text_are_not_confused(void **state)
{
	(void)state;
	struct question a = plain(), b = plain();
	const char *word = "x", *in_a = word, *in_b = word;
	a.salt = word;
	b.region = word;
	assert_differ(a, b);
	a = plain(), a.env = &in_a, a.env_count = 1;
	b = plain(), b.inputs = &in_b, b.input_count = 1;
	assert_differ(a, b);
}

static void the_working_directory_counts(void **state)
{
	(void)state;
	struct question q = plain(), without = plain();
	without.no_cwd = true;
	struct digest here = hash_of(&q), here_without = hash_of(&without);
	assert_int_equal(chdir("/tmp"), 0);
	struct digest there = hash_of(&q), there_without = hash_of(&without);
	assert_digests_differ(&here, &there);
	assert_digests_equal(&here_without, &there_without);
}

static void the_logical_directory_counts_where_it_is_true(void **state)
{
	struct fixture *f = *state;
	surroundings(NULL);
	struct question q = plain();
	make_directory(path_in(f, "real"));
	make_directory(path_in(f, "other"));
	assert_int_equal(symlink("real", path_in(f, "link")), 0);
	assert_int_equal(chdir(path_in(f, "real")), 0);
	struct digest none = hash_of(&q), got;
	setenv("PWD", path_in(f, "link"), 1);
	got = hash_of(&q);
	assert_digests_differ(&none, &got);
	/* One that lies, as after cd in a parent, says nothing. */
	setenv("PWD", path_in(f, "other"), 1);
	got = hash_of(&q);
	assert_digests_equal(&none, &got);
	setenv("PWD", path_in(f, "real"), 1);
	got = hash_of(&q);
	assert_digests_equal(&none, &got);
	setenv("PWD", ".", 1);
	got = hash_of(&q);
	assert_digests_equal(&none, &got);
	assert_int_equal(chdir("/"), 0);
}

static void a_directory_that_is_gone_is_told_unless_left_out(void **state)
{
	struct fixture *f = *state;
	surroundings(NULL);
	struct question q = plain();
	struct buf b = {0};
	dpc_error err = {0};
	make_directory(path_in(f, "gone"));
	assert_int_equal(chdir(path_in(f, "gone")), 0);
	assert_int_equal(rmdir(path_in(f, "gone")), 0);
	assert_int_equal(question_encode(&b, &q, &err), DPC_E_IO);
	assert_non_null(strstr(err.message, "--no-cwd"));
	buf_release(&b);
	q.no_cwd = true;
	assert_int_equal(question_encode(&b, &q, &err), DPC_OK);
	buf_release(&b);
	assert_int_equal(chdir("/"), 0);
}

static void the_search_path_counts(void **state)
{
	(void)state;
	struct question q = plain(), without = plain();
	without.no_path = true;
	struct digest first = hash_of(&q), first_without = hash_of(&without), empty;
	setenv("PATH", "", 1);
	empty = hash_of(&q);
	assert_digests_differ(&first, &empty);
	unsetenv("PATH");
	struct digest unset = hash_of(&q), unset_without = hash_of(&without);
	assert_digests_differ(&first, &unset);
	assert_digests_differ(&empty, &unset);
	assert_digests_equal(&first_without, &unset_without);
}

static void the_umask_counts(void **state)
{
	(void)state;
	struct question q = plain();
	struct digest first = hash_of(&q);
	umask(077);
	struct digest second = hash_of(&q);
	assert_digests_differ(&first, &second);
	/* Looking at it has not changed it. */
	assert_int_equal(umask(022), 077);
}

static int hash_as_another_user(void *context)
{
	int *pipe_out = context;
	struct question q = plain(), without = plain();
	without.no_uid = true;
	struct digest d[2];
	if (setuid(65534) < 0)
		return 1;
	d[0] = hash_of(&q);
	d[1] = hash_of(&without);
	return write(*pipe_out, d, sizeof d) == sizeof d ? 0 : 1;
}

static void the_user_counts(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	int p[2];
	struct digest theirs[2];
	struct question q = plain(), without = plain();
	without.no_uid = true;
	assert_int_equal(pipe(p), 0);
	pid_t child = child_start(hash_as_another_user, &p[1]);
	assert_int_equal(child_wait(child), 0);
	assert_int_equal(read(p[0], theirs, sizeof theirs), sizeof theirs);
	struct digest mine[2] = {hash_of(&q), hash_of(&without)};
	assert_digests_differ(&mine[0], &theirs[0]);
	assert_digests_equal(&mine[1], &theirs[1]);
	close(p[0]);
	close(p[1]);
}

static void the_locale_counts_unless_left_out(void **state)
{
	(void)state;
	static const char *const names[] = {"LANG", "LC_ALL", "LC_MESSAGES", "LC_X", "LANGUAGE", "TZ"};
	struct question q = plain(), without = plain();
	without.no_locale = true;
	struct digest none = hash_of(&q), none_without = hash_of(&without), first, second;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		setenv(names[i], "C", 1);
		first = hash_of(&q);
		assert_digests_differ(&none, &first);
		setenv(names[i], "", 1);
		second = hash_of(&q);
		assert_digests_differ(&none, &second);
		assert_digests_differ(&first, &second);
		second = hash_of(&without);
		assert_digests_equal(&none_without, &second);
		unsetenv(names[i]);
	}
}

static void the_order_of_the_environment_does_not_count(void **state)
{
	(void)state;
	struct question q = plain();
	setenv("LANG", "C", 1);
	setenv("TZ", "UTC", 1);
	struct digest one = hash_of(&q);
	clearenv();
	setenv("TZ", "UTC", 1);
	setenv("LANG", "C", 1);
	setenv("PATH", "/bin:/usr/bin", 1);
	struct digest other = hash_of(&q);
	assert_digests_equal(&one, &other);
}

static void what_is_set_anew_for_each_run_does_not_count(void **state)
{
	(void)state;
	struct question q = plain();
	struct digest before = hash_of(&q);
	static const char *const names[] = {"MAKEFLAGS", "MAKELEVEL", "SHLVL", "COLUMNS", "BUILD_ID",
	                                    "_",         "LANGX",     "TZX",   "XLANG"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		setenv(names[i], "x", 1);
	struct digest after = hash_of(&q);
	assert_digests_equal(&before, &after);
}

static struct question with_env(const char **names, size_t count)
{
	struct question q = plain();
	q.env = names;
	q.env_count = count;
	return q;
}

static void the_order_of_named_variables_does_not_count(void **state)
{
	(void)state;
	setenv("A", "1", 1);
	setenv("B", "2", 1);
	const char *ab[] = {"A", "B"}, *ba[] = {"B", "A"}, *twice[] = {"B", "A", "B", "A"}, *only[] = {"A"};
	assert_same(with_env(ab, 2), with_env(ba, 2));
	assert_same(with_env(ab, 2), with_env(twice, 4));
	assert_differ(with_env(ab, 2), with_env(only, 1));
}

static void the_order_of_inputs_does_not_count(void **state)
{
	(void)state;
	struct question a = plain(), b = plain(), c = plain();
	const char *ab[] = {"x", "y"}, *ba[] = {"y", "x", "x"}, *only[] = {"x"};
	a.inputs = ab, a.input_count = 2;
	b.inputs = ba, b.input_count = 3;
	c.inputs = only, c.input_count = 1;
	assert_same(a, b);
	assert_differ(a, c);
}

static void a_variable_unset_differs_from_an_empty_one(void **state)
{
	(void)state;
	const char *names[] = {"NAMED"};
	struct question q = with_env(names, 1);
	struct digest unset = hash_of(&q);
	setenv("NAMED", "", 1);
	struct digest empty = hash_of(&q);
	setenv("NAMED", "x", 1);
	struct digest set = hash_of(&q);
	assert_digests_differ(&unset, &empty);
	assert_digests_differ(&empty, &set);
	assert_differ(plain(), q);
}

static void values_never_appear_in_the_question(void **state)
{
	(void)state;
	const char *names[] = {"API_TOKEN"};
	struct question q = with_env(names, 1);
	struct buf b = {0};
	setenv("API_TOKEN", "hunter2-hunter2", 1);
	setenv("LC_SECRET", "swordfish", 1);
	setenv("PATH", "/opt/private/bin", 1);
	assert_int_equal(question_encode(&b, &q, NULL), DPC_OK);
	assert_true(contains(&b, "API_TOKEN"));
	assert_false(contains(&b, "hunter2"));
	assert_true(contains(&b, "LC_SECRET"));
	assert_false(contains(&b, "swordfish"));
	assert_false(contains(&b, "/opt/private"));
	buf_release(&b);
}

static void equal_values_of_two_variables_do_not_show_as_equal(void **state)
{
	(void)state;
	const char *a[] = {"A"}, *b[] = {"B"};
	struct question qa = with_env(a, 1), qb = with_env(b, 1);
	struct buf of_a = {0}, of_b = {0};
	setenv("A", "same", 1);
	setenv("B", "same", 1);
	assert_int_equal(question_encode(&of_a, &qa, NULL), DPC_OK);
	assert_int_equal(question_encode(&of_b, &qb, NULL), DPC_OK);
	/* The digest is the last field of both. */
	assert_memory_not_equal(of_a.data + of_a.size - 16, of_b.data + of_b.size - 16, 16);
	buf_release(&of_a);
	buf_release(&of_b);
}

static void another_secret_gives_other_digests(void **state)
{
	(void)state;
	const char *names[] = {"NAMED"};
	setenv("NAMED", "x", 1);
	struct question a = with_env(names, 1), b = with_env(names, 1);
	b.secret = OTHER_SECRET;
	assert_differ(a, b);
}

static void a_name_replaces_the_command(void **state)
{
	(void)state;
	static char *const other[] = {(char *)"other", NULL};
	struct question a = plain(), b = plain(), c = plain();
	a.name = b.name = slice_of("nightly");
	b.argv = other;
	b.exe = NULL;
	b.merged = true;
	assert_same(a, b);
	struct digest here = hash_of(&a);
	assert_int_equal(chdir("/tmp"), 0);
	setenv("PATH", "/elsewhere", 1);
	umask(077);
	struct digest there = hash_of(&a);
	assert_digests_equal(&here, &there);
	c.name = slice_of("weekly");
	assert_differ(a, c);
	c.name = (struct slice){(const uint8_t *)"nightly\0", 8};
	assert_differ(a, c);
}

static void what_was_asked_for_beside_a_name_counts(void **state)
{
	(void)state;
	const char *names[] = {"NAMED"}, *inputs[] = {"x"};
	struct digest digest = digest_named("stdin");
	struct question a = {.name = slice_of("nightly"), .secret = SECRET}, b;
	b = a, b.region = "web";
	assert_differ(a, b);
	b = a, b.salt = "s";
	assert_differ(a, b);
	b = a, b.env = names, b.env_count = 1;
	assert_differ(a, b);
	b = a, b.inputs = inputs, b.input_count = 1;
	assert_differ(a, b);
	b = a, b.stdin_digest = &digest;
	assert_differ(a, b);
}

/* --- keys --- */

static void the_key_is_of_question_and_observations(void **state)
{
	struct fixture *f = *state;
	struct observations none = {0}, seen = {0};
	struct digests d;
	digests_init(&d, f->home.fd);
	write_text(path_in(f, "a"), "one");
	assert_int_equal(observe_input(&seen, &d, path_in(f, "a"), NULL), DPC_OK);
	struct digest bare = key_of(slice_of("q"), &none), key = key_of(slice_of("q"), &seen), other;
	assert_digests_differ(&bare, &key);
	other = key_of(slice_of("r"), &seen);
	assert_digests_differ(&key, &other);
	seen.v[0].digest.bytes[0] ^= 1;
	other = key_of(slice_of("q"), &seen);
	assert_digests_differ(&key, &other);
	seen.v[0].digest.bytes[0] ^= 1;
	seen.v[0].kind = OBSERVED_EXE;
	other = key_of(slice_of("q"), &seen);
	assert_digests_differ(&key, &other);
	seen.v[0].kind = OBSERVED_FILE;
	/* But not of when and where it was seen. */
	seen.v[0].tuple = (struct tuple){0};
	other = key_of(slice_of("q"), &seen);
	assert_digests_equal(&key, &other);
	observations_release(&seen);
	digests_release(&d);
}

static void a_key_without_observations_is_not_the_questions_hash(void **state)
{
	(void)state;
	struct observations none = {0};
	struct digest key = key_of(slice_of("q"), &none), hash = question_hash(slice_of("q"));
	assert_digests_differ(&key, &hash);
}

/* --- reading a question --- */

static void a_question_can_be_walked(void **state)
{
	(void)state;
	struct question q = plain();
	const char *names[] = {"NAMED"}, *inputs[] = {"x"};
	q.env = names, q.env_count = 1;
	q.inputs = inputs, q.input_count = 1;
	q.salt = "s";
	struct buf b = {0};
	assert_int_equal(question_encode(&b, &q, NULL), DPC_OK);
	struct cursor c = {b.data, b.data + b.size, false};
	enum question_tag tag;
	struct slice value;
	char tags[32] = "";
	size_t n = 0;
	while (question_next(&c, &tag, &value)) {
		assert_true(n < sizeof tags - 1);
		tags[n++] = (char)tag;
		if (tag == Q_INPUT)
			assert_true(slice_equal(value, slice_of("x")));
		/* Unset: the name, its NUL and no digest. */
		if (tag == Q_ENV)
			assert_int_equal(value.size, sizeof "NAMED");
	}
	assert_false(c.bad);
	assert_ptr_equal(c.at, c.end);
	assert_string_equal(tags, "VAAAXWPUMOEIT");
	buf_release(&b);
}

static void a_question_cut_short_ends_early_and_bad(void **state)
{
	(void)state;
	struct question q = plain();
	struct buf b = {0};
	assert_int_equal(question_encode(&b, &q, NULL), DPC_OK);
	size_t whole = 0;
	for (size_t size = 0; size <= b.size; size++) {
		struct cursor c = {b.data, b.data + size, false};
		enum question_tag tag;
		struct slice value;
		while (question_next(&c, &tag, &value))
			;
		assert_true(c.bad || c.at == c.end);
		whole += !c.bad;
	}
	/* Only cuts between fields are no damage: V AAA X W P U M O, and none. */
	assert_int_equal(whole, 11);
	buf_release(&b);
}

static void every_tag_has_a_name(void **state)
{
	(void)state;
	static const char tags[] = "VKRAXWwPUMLOEIST";
	for (size_t i = 0; i < sizeof tags - 1; i++)
		assert_string_not_equal(question_tag_name((enum question_tag)tags[i]), "unknown");
	assert_string_equal(question_tag_name((enum question_tag)'?'), "unknown");
}

/* --- labels --- */

static void assert_label(char *const *argv, const char *expected)
{
	struct question q = {.argv = argv};
	struct buf b = {0};
	label_of(&b, &q);
	buf_u8(&b, '\0');
	assert_string_equal((const char *)b.data, expected);
	buf_release(&b);
}

static void a_label_can_be_pasted_into_a_shell(void **state)
{
	(void)state;
	static char *const argv[] = {(char *)"sh", (char *)"-c",  (char *)"echo 'a b'", (char *)"",
	                             (char *)"$x", (char *)"a=b", (char *)"~",          NULL};
	assert_label(argv, "sh -c 'echo '\\''a b'\\''' '' '$x' a=b '~'");
}

static void a_label_of_a_name_is_the_name(void **state)
{
	(void)state;
	struct question q = {.name = slice_of("nightly")};
	struct buf b = {0};
	label_of(&b, &q);
	assert_true(slice_equal(slice_of_buf(&b), slice_of("nightly")));
	buf_release(&b);
}

static void a_label_has_an_end(void **state)
{
	(void)state;
	static char quotes[3 * LABEL_MAX], letters[3 * LABEL_MAX];
	memset(quotes, '\'', sizeof quotes - 1);
	memset(letters, 'x', sizeof letters - 1);
	char *const argvs[][3] = {{quotes, letters, NULL}, {letters, quotes, NULL}};
	for (size_t i = 0; i < 2; i++) {
		struct question q = {.argv = argvs[i]};
		struct buf b = {0};
		label_of(&b, &q);
		assert_false(b.failed);
		assert_int_equal(b.size, LABEL_MAX);
		buf_release(&b);
	}
}

#define in_surroundings(test) cmocka_unit_test_setup(test, surroundings)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    in_surroundings(the_same_question_has_the_same_bytes),
	    in_surroundings(every_argument_counts),
	    in_surroundings(an_empty_argument_is_not_no_argument),
	    in_surroundings(each_part_changes_the_hash),
	    in_surroundings(parts_of_equal_text_are_not_confused),
	    in_surroundings(the_working_directory_counts),
	    with_home(the_logical_directory_counts_where_it_is_true),
	    with_home(a_directory_that_is_gone_is_told_unless_left_out),
	    in_surroundings(the_search_path_counts),
	    in_surroundings(the_umask_counts),
	    in_surroundings(the_user_counts),
	    in_surroundings(the_locale_counts_unless_left_out),
	    in_surroundings(the_order_of_the_environment_does_not_count),
	    in_surroundings(what_is_set_anew_for_each_run_does_not_count),
	    in_surroundings(the_order_of_named_variables_does_not_count),
	    in_surroundings(the_order_of_inputs_does_not_count),
	    in_surroundings(a_variable_unset_differs_from_an_empty_one),
	    in_surroundings(values_never_appear_in_the_question),
	    in_surroundings(equal_values_of_two_variables_do_not_show_as_equal),
	    in_surroundings(another_secret_gives_other_digests),
	    in_surroundings(a_name_replaces_the_command),
	    in_surroundings(what_was_asked_for_beside_a_name_counts),
	    with_home(the_key_is_of_question_and_observations),
	    in_surroundings(a_key_without_observations_is_not_the_questions_hash),
	    in_surroundings(a_question_can_be_walked),
	    in_surroundings(a_question_cut_short_ends_early_and_bad),
	    in_surroundings(every_tag_has_a_name),
	    in_surroundings(a_label_can_be_pasted_into_a_shell),
	    in_surroundings(a_label_of_a_name_is_the_name),
	    in_surroundings(a_label_has_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
