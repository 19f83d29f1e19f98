/* Options from tables. */
#include "support.h"

#include "opt.h"

static const struct opt table[] = {
    {"ttl", 't', "DUR", "how long", 1},
    {"verbose", 'v', NULL, "say more", 2},
    {"no-cwd", 0, NULL, "leave it out", 3},
    {"tt", 0, "X", "a prefix of another", 4},
    {NULL, 0, NULL, NULL, 0},
};

static char *words[8];
static struct opt_parser parser;
static const char *value;
static dpc_error err;

static void begin(const char *a, const char *b, const char *c, const char *d)
{
	const char *all[] = {a, b, c, d};
	memset(words, 0, sizeof words);
	for (size_t i = 0; i < 4 && all[i]; i++)
		words[i] = (char *)all[i];
	parser = (struct opt_parser){.table = table, .argv = words};
	value = "untouched";
	err = (dpc_error){0};
}

static int next(void)
{
	return opt_next(&parser, &value, &err);
}

static void refuse(const char *word, const char *following)
{
	begin(word, following, NULL, NULL);
	assert_int_equal(next(), DPC_E_USAGE);
	assert_int_equal(err.code, DPC_E_USAGE);
	/* The message names the culprit. */
	assert_non_null(strstr(err.message, word));
}

static void a_long_option_takes_its_value_either_way(void **state)
{
	(void)state;
	begin("--ttl", "5m", "--ttl=6m", NULL);
	assert_int_equal(next(), 1);
	assert_string_equal(value, "5m");
	assert_int_equal(next(), 1);
	assert_string_equal(value, "6m");
	assert_int_equal(next(), OPT_END);
	assert_int_equal(parser.at, 3);
}

static void a_short_option_takes_its_value_either_way(void **state)
{
	(void)state;
	begin("-t", "5m", "-t6m", NULL);
	assert_int_equal(next(), 1);
	assert_string_equal(value, "5m");
	assert_int_equal(next(), 1);
	assert_string_equal(value, "6m");
	assert_int_equal(next(), OPT_END);
}

static void a_flag_takes_no_value(void **state)
{
	(void)state;
	begin("-v", "--verbose", "--no-cwd", "word");
	assert_int_equal(next(), 2);
	assert_null(value);
	assert_int_equal(next(), 2);
	assert_int_equal(next(), 3);
	assert_int_equal(next(), OPT_END);
	assert_int_equal(parser.at, 3);
	refuse("--verbose=1", NULL);
	refuse("-vx", NULL);
}

static void options_end_at_the_first_word_that_is_none(void **state)
{
	(void)state;
	begin("-v", "make", "-v", NULL);
	assert_int_equal(next(), 2);
	assert_int_equal(next(), OPT_END);
	assert_int_equal(parser.at, 1);
	assert_int_equal(next(), OPT_END);
	assert_int_equal(parser.at, 1);
}

static void two_dashes_are_skipped_and_end_the_options(void **state)
{
	(void)state;
	begin("-v", "--", "-v", NULL);
	assert_int_equal(next(), 2);
	assert_int_equal(next(), OPT_END);
	assert_int_equal(parser.at, 2);
	assert_string_equal(words[parser.at], "-v");
}

static void a_single_dash_and_an_empty_word_are_no_options(void **state)
{
	(void)state;
	begin("-", NULL, NULL, NULL);
	assert_int_equal(next(), OPT_END);
	assert_int_equal(parser.at, 0);
	begin("", NULL, NULL, NULL);
	assert_int_equal(next(), OPT_END);
	assert_int_equal(parser.at, 0);
}

static void no_words_at_all_are_an_end(void **state)
{
	(void)state;
	begin(NULL, NULL, NULL, NULL);
	assert_int_equal(next(), OPT_END);
	assert_int_equal(parser.at, 0);
}

static void a_value_may_be_empty_or_look_like_an_option(void **state)
{
	(void)state;
	begin("--ttl=", "--ttl", "", NULL);
	assert_int_equal(next(), 1);
	assert_string_equal(value, "");
	assert_int_equal(next(), 1);
	assert_string_equal(value, "");
	begin("--ttl", "--verbose", "--ttl=a=b", NULL);
	assert_int_equal(next(), 1);
	assert_string_equal(value, "--verbose");
	assert_int_equal(next(), 1);
	assert_string_equal(value, "a=b");
}

static void a_missing_value_is_told(void **state)
{
	(void)state;
	refuse("--ttl", NULL);
	assert_non_null(strstr(err.message, "DUR"));
	refuse("-t", NULL);
}

static void what_is_no_option_is_refused(void **state)
{
	(void)state;
	refuse("--nonsense", NULL);
	refuse("-x", NULL);
	refuse("--t", NULL);
	refuse("--ttlx", "5");
	refuse("--TTL", "5");
	refuse("--=5", NULL);
	refuse("---", NULL);
}

static void a_name_is_not_its_prefix(void **state)
{
	(void)state;
	begin("--tt=5", "--ttl=6", NULL, NULL);
	assert_int_equal(next(), 4);
	assert_int_equal(next(), 1);
}

static void an_option_without_a_letter_has_none(void **state)
{
	/* A table's 0 must not be found by any word. */
	(void)state;
	begin("-v", NULL, NULL, NULL);
	assert_int_equal(next(), 2);
	refuse("-n", NULL);
}

static void help_is_known_to_every_table(void **state)
{
	(void)state;
	begin("--help", NULL, NULL, NULL);
	assert_int_equal(next(), OPT_HELP);
	static const struct opt empty[] = {{NULL, 0, NULL, NULL, 0}};
	begin("--help", NULL, NULL, NULL);
	parser.table = empty;
	assert_int_equal(next(), OPT_HELP);
}

static void an_error_need_not_be_asked_for(void **state)
{
	(void)state;
	begin("--nonsense", NULL, NULL, NULL);
	assert_int_equal(opt_next(&parser, &value, NULL), DPC_E_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_long_option_takes_its_value_either_way),
	    cmocka_unit_test(a_short_option_takes_its_value_either_way),
	    cmocka_unit_test(a_flag_takes_no_value),
	    cmocka_unit_test(options_end_at_the_first_word_that_is_none),
	    cmocka_unit_test(two_dashes_are_skipped_and_end_the_options),
	    cmocka_unit_test(a_single_dash_and_an_empty_word_are_no_options),
	    cmocka_unit_test(no_words_at_all_are_an_end),
	    cmocka_unit_test(a_value_may_be_empty_or_look_like_an_option),
	    cmocka_unit_test(a_missing_value_is_told),
	    cmocka_unit_test(what_is_no_option_is_refused),
	    cmocka_unit_test(a_name_is_not_its_prefix),
	    cmocka_unit_test(an_option_without_a_letter_has_none),
	    cmocka_unit_test(help_is_known_to_every_table),
	    cmocka_unit_test(an_error_need_not_be_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
