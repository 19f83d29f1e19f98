/* What keeps two askings apart. */
#include "support.h"

#include "differ.h"
#include "environment.h"

#include <sys/stat.h>

/* --- questions made by hand --- */

static void field(struct buf *q, enum question_tag tag, const char *value)
{
	buf_u8(q, (uint8_t)tag);
	buf_field(q, value, strlen(value));
}

/* A variable: its name, and what stands for its digest; NULL: unset. */
static void variable(struct buf *q, enum question_tag tag, const char *name, const char *digest)
{
	struct buf value = {0};
	buf_put(&value, name, strlen(name) + 1);
	if (digest)
		buf_put(&value, digest, strlen(digest));
	buf_u8(q, (uint8_t)tag);
	buf_field(q, value.data, value.size);
	buf_release(&value);
}

static void words(struct buf *q, const char *line)
{
	char copy[256], *save = NULL;
	strcpy(copy, line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		field(q, Q_ARGUMENT, w);
}

static struct differences d;
static struct buf was, now;

static int begin(void **state)
{
	(void)state;
	d = (struct differences){0};
	was = now = (struct buf){0};
	return 0;
}

static int end(void **state)
{
	(void)state;
	differences_release(&d);
	buf_release(&was);
	buf_release(&now);
	return 0;
}

static void compare(void)
{
	differ_questions(&d, slice_of_buf(&was), slice_of_buf(&now));
	assert_false(d.failed);
}

static void assert_text(struct slice got, const char *text)
{
	if (!text)
		assert_null(got.data);
	else
		assert_true(slice_equal(got, slice_of(text)));
}

static void assert_argument(size_t i, enum change change, size_t position, const char *before,
                            const char *after)
{
	assert_true(i < d.count);
	assert_int_equal(d.v[i].of, OF_QUESTION);
	assert_int_equal(d.v[i].tag, Q_ARGUMENT);
	assert_int_equal(d.v[i].change, change);
	assert_int_equal(d.v[i].position, position);
	assert_text(d.v[i].was, before);
	assert_text(d.v[i].now, after);
}

static void assert_only(enum question_tag tag, enum change change, const char *name)
{
	assert_int_equal(d.count, 1);
	assert_int_equal(d.v[0].of, OF_QUESTION);
	assert_int_equal(d.v[0].tag, tag);
	assert_int_equal(d.v[0].change, change);
	assert_text(d.v[0].name, name);
}

static void the_same_question_differs_in_nothing(void **state)
{
	(void)state;
	words(&was, "cc -c a.c");
	variable(&was, Q_PATH, "PATH", "digest");
	field(&was, Q_INPUT, "a.c");
	buf_put(&now, was.data, was.size);
	compare();
	assert_int_equal(d.count, 0);
	assert_int_equal(differences_weight(&d), 0);
}

static void an_argument_is_told_by_its_position_with_both_values(void **state)
{
	(void)state;
	words(&was, "cc -O0 -c a.c");
	words(&now, "cc -O2 -c a.c");
	compare();
	assert_int_equal(d.count, 1);
	assert_argument(0, CHANGE_OTHER, 1, "-O0", "-O2");
}

static void one_more_argument_makes_no_others_of_those_behind_it(void **state)
{
	(void)state;
	words(&was, "cc -c a.c b.c");
	words(&now, "cc -g -c a.c b.c");
	compare();
	assert_int_equal(d.count, 1);
	assert_argument(0, CHANGE_ADDED, 1, NULL, "-g");
}

static void arguments_that_went_are_told(void **state)
{
	(void)state;
	words(&was, "cc a a a");
	words(&now, "cc a");
	compare();
	assert_int_equal(d.count, 2);
	assert_argument(0, CHANGE_DROPPED, 2, "a", NULL);
	assert_argument(1, CHANGE_DROPPED, 3, "a", NULL);
}

static void a_field_is_another_or_only_in_one(void **state)
{
	(void)state;
	static const enum question_tag single[] = {Q_SCHEMA, Q_NAME,  Q_REGION, Q_EXE,   Q_CWD,  Q_PWD,
	                                           Q_UID,    Q_UMASK, Q_MERGED, Q_STDIN, Q_SALT, Q_TRACE};
	for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
		bool secret = single[i] == Q_STDIN || single[i] == Q_SALT;
		end(state);
		begin(state);
		field(&was, single[i], "one");
		field(&now, single[i], "two");
		compare();
		assert_only(single[i], CHANGE_OTHER, NULL);
		assert_text(d.v[0].was, secret ? NULL : "one");
		assert_text(d.v[0].now, secret ? NULL : "two");
		differences_release(&d);
		differ_questions(&d, slice_of(""), slice_of_buf(&now));
		assert_only(single[i], CHANGE_ADDED, NULL);
		differences_release(&d);
		differ_questions(&d, slice_of_buf(&was), slice_of(""));
		assert_only(single[i], CHANGE_DROPPED, NULL);
	}
}

static void variables_are_told_by_name_and_what_became_of_them(void **state)
{
	(void)state;
	static const enum question_tag kinds[] = {Q_PATH, Q_LOCALE, Q_ENV};
	static const struct {
		const char *was, *now;
		enum change change;
	} cases[] = {{"x", "y", CHANGE_OTHER}, {NULL, "y", CHANGE_APPEARED}, {"x", NULL, CHANGE_VANISHED}};
	for (int i = 0; i < 9; i++) {
		end(state);
		begin(state);
		variable(&was, kinds[i / 3], "NAME", cases[i % 3].was);
		variable(&now, kinds[i / 3], "NAME", cases[i % 3].now);
		compare();
		assert_only(kinds[i / 3], cases[i % 3].change, "NAME");
		assert_null(d.v[0].was.data);
		assert_null(d.v[0].now.data);
	}
}

static void one_variable_more_or_less_leaves_the_others_alone(void **state)
{
	(void)state;
	variable(&was, Q_ENV, "A", "1");
	variable(&was, Q_ENV, "C", "3");
	variable(&now, Q_ENV, "A", "1");
	variable(&now, Q_ENV, "B", "2");
	variable(&now, Q_ENV, "C", "3");
	compare();
	assert_only(Q_ENV, CHANGE_ADDED, "B");
	differences_release(&d);
	differ_questions(&d, slice_of_buf(&now), slice_of_buf(&was));
	assert_only(Q_ENV, CHANGE_DROPPED, "B");
}

static void a_name_stands_for_all_that_it_replaces(void **state)
{
	(void)state;
	words(&was, "cc a.c");
	field(&was, Q_CWD, "/");
	field(&now, Q_NAME, "name");
	compare();
	assert_only(Q_NAME, CHANGE_ADDED, NULL);
}

static void what_is_asked_weighs_more_than_any_input_and_the_command_most(void **state)
{
	struct differences one = {0}, two = {0}, three = {0};
	struct observations many = {0};
	struct buf list = {0};
	words(&was, "cc a");
	words(&now, "ld a");
	differ_questions(&one, slice_of_buf(&was), slice_of_buf(&now));
	end(state);
	begin(state);
	words(&was, "cc a b c");
	words(&now, "cc b d e");
	differ_questions(&two, slice_of_buf(&was), slice_of_buf(&now));
	for (int i = 0; i < 1000; i++)
		assert_non_null(observations_add(&many, OBSERVED_FILE, "a"));
	observations_put(&list, &many);
	differ_observations(&three, slice_of(""), slice_of_buf(&list));
	assert_int_equal(three.count, 1000);
	assert_true(differences_weight(&one) > differences_weight(&two));
	assert_true(differences_weight(&two) > differences_weight(&three));
	differences_release(&one);
	differences_release(&two);
	differences_release(&three);
	observations_release(&many);
	buf_release(&list);
}

/* --- observations --- */

static void see(struct observations *o, enum observation_kind kind, const char *path, const char *content)
{
	struct observation *one = observations_add(o, kind, path);
	assert_non_null(one);
	if (content)
		one->digest = digest_named(content);
}

static void compare_seen(struct observations *before, struct observations *after)
{
	observations_put(&was, before);
	observations_put(&now, after);
	differ_observations(&d, slice_of_buf(&was), slice_of_buf(&now));
	assert_false(d.failed);
	observations_release(before);
	observations_release(after);
}

static void assert_input(size_t i, enum observation_kind kind, enum change change, const char *path)
{
	assert_true(i < d.count);
	assert_true(d.v[i].of != OF_QUESTION);
	assert_int_equal(d.v[i].input, kind);
	assert_int_equal(d.v[i].change, change);
	assert_text(d.v[i].name, path);
}

static void inputs_change_appear_and_vanish(void **state)
{
	(void)state;
	struct observations a = {0}, b = {0};
	see(&a, OBSERVED_EXE, "/bin/cc", "1");
	see(&a, OBSERVED_FILE, "changed", "1");
	see(&a, OBSERVED_ABSENT, "new", NULL);
	see(&a, OBSERVED_FILE, "same", "1");
	see(&a, OBSERVED_FILE, "old", "1");
	see(&b, OBSERVED_EXE, "/bin/cc", "2");
	see(&b, OBSERVED_FILE, "changed", "2");
	see(&b, OBSERVED_FILE, "new", "1");
	see(&b, OBSERVED_FILE, "same", "1");
	see(&b, OBSERVED_ABSENT, "old", NULL);
	compare_seen(&a, &b);
	assert_int_equal(d.count, 4);
	assert_input(0, OBSERVED_EXE, CHANGE_OTHER, "/bin/cc");
	assert_input(1, OBSERVED_FILE, CHANGE_OTHER, "changed");
	assert_input(2, OBSERVED_FILE, CHANGE_APPEARED, "new");
	assert_input(3, OBSERVED_FILE, CHANGE_VANISHED, "old");
}

static void a_file_in_a_directory_is_told_before_the_directory(void **state)
{
	(void)state;
	struct observations a = {0}, b = {0};
	see(&a, OBSERVED_DIR, "src", "1");
	see(&a, OBSERVED_FILE, "src/b", "1");
	see(&b, OBSERVED_DIR, "src", "2");
	see(&b, OBSERVED_FILE, "src/a", "1");
	see(&b, OBSERVED_FILE, "src/b", "1");
	compare_seen(&a, &b);
	assert_int_equal(d.count, 2);
	assert_input(0, OBSERVED_FILE, CHANGE_APPEARED, "src/a");
	assert_input(1, OBSERVED_DIR, CHANGE_OTHER, "src");
}

static void two_patterns_in_one_directory_are_told_apart_by_their_turn(void **state)
{
	(void)state;
	struct observations a = {0}, b = {0};
	see(&a, OBSERVED_GLOB, "src", "c files");
	see(&a, OBSERVED_GLOB, "src", "h files");
	see(&b, OBSERVED_GLOB, "src", "c files");
	see(&b, OBSERVED_GLOB, "src", "other h files");
	compare_seen(&a, &b);
	assert_int_equal(d.count, 1);
	assert_input(0, OBSERVED_GLOB, CHANGE_OTHER, "src");
}

static void another_kind_of_thing_is_a_change(void **state)
{
	(void)state;
	struct observations a = {0}, b = {0};
	see(&a, OBSERVED_FILE, "path", "1");
	see(&b, OBSERVED_OTHER, "path", NULL);
	compare_seen(&a, &b);
	assert_int_equal(d.count, 1);
	assert_input(0, OBSERVED_OTHER, CHANGE_OTHER, "path");
}

static void what_follows_from_the_question_is_not_told_twice(void **state)
{
	(void)state;
	struct observations a = {0}, b = {0};
	field(&was, Q_EXE, "/bin/cc");
	field(&now, Q_EXE, "/usr/bin/cc");
	field(&now, Q_INPUT, "new");
	compare();
	assert_int_equal(d.count, 2);
	buf_release(&was);
	buf_release(&now);
	see(&a, OBSERVED_EXE, "/bin/cc", "1");
	see(&a, OBSERVED_FILE, "changed", "1");
	see(&b, OBSERVED_EXE, "/usr/bin/cc", "1");
	see(&b, OBSERVED_FILE, "changed", "2");
	see(&b, OBSERVED_FILE, "new", "1");
	compare_seen(&a, &b);
	assert_int_equal(d.count, 3);
	assert_input(2, OBSERVED_FILE, CHANGE_OTHER, "changed");
}

static void what_is_absent_and_no_longer_asked_for_is_nothing(void **state)
{
	(void)state;
	struct observations a = {0}, b = {0};
	field(&was, Q_INPUT, "missing");
	compare();
	assert_only(Q_INPUT, CHANGE_DROPPED, "missing");
	buf_release(&was);
	see(&a, OBSERVED_ABSENT, "missing", NULL);
	compare_seen(&a, &b);
	assert_int_equal(d.count, 1);
	differences_release(&d);
	differ_observations(&d, slice_of_buf(&now), slice_of_buf(&was));
	assert_int_equal(d.count, 1);
	assert_input(0, OBSERVED_ABSENT, CHANGE_APPEARED, "missing");
}

static void an_empty_list_is_nothing_observed(void **state)
{
	(void)state;
	differ_observations(&d, slice_of(""), slice_of(""));
	assert_int_equal(d.count, 0);
	differ_observations(&d, slice_of("\1"), slice_of("\377\377\377\377"));
	differ_questions(&d, slice_of("A"), slice_of("A\377\377\377\377"));
	assert_int_equal(d.count, 0);
}

/* --- facts --- */

static const uint8_t secret[16] = "sixteen bytes...";

static void note_facts(struct fixture *f, struct observations *facts, const struct looker *look)
{
	write_text(path_in(f, "changed"), "1");
	write_text(path_in(f, "vanished"), "1");
	write_text(path_in(f, "replaced"), "1");
	write_text(path_in(f, "same"), "1");
	setenv("DIFFER_CHANGED", "1", 1);
	setenv("DIFFER_UNSET", "1", 1);
	unsetenv("DIFFER_SET");
	assert_int_equal(fact_add(facts, look, OBSERVED_FILE, path_in(f, "changed"), NULL), DPC_OK);
	assert_int_equal(fact_add(facts, look, OBSERVED_STAT, path_in(f, "vanished"), NULL), DPC_OK);
	assert_int_equal(fact_add(facts, look, OBSERVED_FILE, path_in(f, "replaced"), NULL), DPC_OK);
	assert_int_equal(fact_add(facts, look, OBSERVED_FILE, path_in(f, "same"), NULL), DPC_OK);
	assert_int_equal(fact_add(facts, look, OBSERVED_NO_NAME, path_in(f, "appeared"), NULL), DPC_OK);
	assert_int_equal(fact_add(facts, look, OBSERVED_VARIABLE, "DIFFER_CHANGED", NULL), DPC_OK);
	assert_int_equal(fact_add(facts, look, OBSERVED_VARIABLE, "DIFFER_SET", NULL), DPC_OK);
	assert_int_equal(fact_add(facts, look, OBSERVED_VARIABLE, "DIFFER_UNSET", NULL), DPC_OK);
}

static void facts_are_compared_with_what_is_there_now(void **state)
{
	struct fixture *f = *state;
	struct digests digests;
	struct observations facts = {0};
	digests_init(&digests, f->home.fd);
	const struct looker look = {&digests, secret};
	begin(NULL);
	note_facts(f, &facts, &look);
	observations_put(&was, &facts);
	differ_facts(&d, slice_of_buf(&was), &look);
	assert_int_equal(d.count, 0);
	write_text(path_in(f, "changed"), "2");
	unlink(path_in(f, "vanished"));
	unlink(path_in(f, "replaced"));
	make_directory(path_in(f, "replaced"));
	write_text(path_in(f, "appeared"), "1");
	setenv("DIFFER_CHANGED", "2", 1);
	setenv("DIFFER_SET", "1", 1);
	unsetenv("DIFFER_UNSET");
	differ_facts(&d, slice_of_buf(&was), &look);
	assert_int_equal(d.count, 7);
	assert_int_equal(d.v[0].of, OF_TRACED);
	assert_input(0, OBSERVED_FILE, CHANGE_OTHER, path_in(f, "changed"));
	assert_input(1, OBSERVED_STAT, CHANGE_VANISHED, path_in(f, "vanished"));
	assert_input(2, OBSERVED_FILE, CHANGE_OTHER, path_in(f, "replaced"));
	assert_input(3, OBSERVED_NO_NAME, CHANGE_APPEARED, path_in(f, "appeared"));
	assert_input(4, OBSERVED_VARIABLE, CHANGE_OTHER, "DIFFER_CHANGED");
	assert_input(5, OBSERVED_VARIABLE, CHANGE_APPEARED, "DIFFER_SET");
	assert_input(6, OBSERVED_VARIABLE, CHANGE_VANISHED, "DIFFER_UNSET");
	observations_release(&facts);
	digests_release(&digests);
	end(NULL);
}

static int note_variable(void *context, const char *name, size_t size)
{
	struct observations *facts = context;
	char copy[256];
	assert_true(size < sizeof copy);
	memcpy(copy, name, size);
	copy[size] = '\0';
	see(facts, OBSERVED_VARIABLE, copy, NULL);
	return environment_observe(&facts->v[facts->count - 1].digest, copy, secret);
}

static void of_all_variables_those_are_told_that_came_or_went(void **state)
{
	struct fixture *f = *state;
	struct digests digests;
	struct observations facts = {0};
	digests_init(&digests, f->home.fd);
	const struct looker look = {&digests, secret};
	begin(NULL);
	unsetenv("DIFFER_NEW");
	setenv("DIFFER_OLD", "1", 1);
	assert_int_equal(fact_add(&facts, &look, OBSERVED_NAMES, "", NULL), DPC_OK);
	assert_int_equal(environment_each(note_variable, &facts), DPC_OK);
	observations_put(&was, &facts);
	differ_facts(&d, slice_of_buf(&was), &look);
	assert_int_equal(d.count, 0);
	setenv("DIFFER_NEW", "1", 1);
	differ_facts(&d, slice_of_buf(&was), &look);
	assert_int_equal(d.count, 1);
	assert_input(0, OBSERVED_VARIABLE, CHANGE_APPEARED, "DIFFER_NEW");
	differences_release(&d);
	unsetenv("DIFFER_NEW");
	unsetenv("DIFFER_OLD");
	differ_facts(&d, slice_of_buf(&was), &look);
	assert_int_equal(d.count, 1);
	assert_input(0, OBSERVED_VARIABLE, CHANGE_VANISHED, "DIFFER_OLD");
	observations_release(&facts);
	digests_release(&digests);
	end(NULL);
}

#define differing(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    differing(the_same_question_differs_in_nothing),
	    differing(an_argument_is_told_by_its_position_with_both_values),
	    differing(one_more_argument_makes_no_others_of_those_behind_it),
	    differing(arguments_that_went_are_told),
	    differing(a_field_is_another_or_only_in_one),
	    differing(variables_are_told_by_name_and_what_became_of_them),
	    differing(one_variable_more_or_less_leaves_the_others_alone),
	    differing(a_name_stands_for_all_that_it_replaces),
	    differing(what_is_asked_weighs_more_than_any_input_and_the_command_most),
	    differing(inputs_change_appear_and_vanish),
	    differing(a_file_in_a_directory_is_told_before_the_directory),
	    differing(two_patterns_in_one_directory_are_told_apart_by_their_turn),
	    differing(another_kind_of_thing_is_a_change),
	    differing(what_follows_from_the_question_is_not_told_twice),
	    differing(what_is_absent_and_no_longer_asked_for_is_nothing),
	    differing(an_empty_list_is_nothing_observed),
	    with_home(facts_are_compared_with_what_is_there_now),
	    with_home(of_all_variables_those_are_told_that_came_or_went),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
