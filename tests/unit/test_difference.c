/* A difference in words, and as JSON. */
#include "support.h"

#include "difference.h"

static const struct slice NONE;
static char words[DIFFERENCE_TEXT];

static const char *tell(struct difference d)
{
	return difference_in_words(words, &d);
}

static const char *tell_field(enum question_tag tag, struct slice was, struct slice now)
{
	enum change change = !was.data ? CHANGE_ADDED : !now.data ? CHANGE_DROPPED : CHANGE_OTHER;
	return tell((struct difference){.of = OF_QUESTION, .change = change, .tag = tag, .was = was, .now = now});
}

static const char *tell_input(enum observation_kind kind, enum change change)
{
	return tell(
	    (struct difference){.of = OF_TRACED, .change = change, .input = kind, .name = slice_of("/p")});
}

static void numbers_are_told_as_people_write_them(void **state)
{
	(void)state;
	struct slice one = {(const uint8_t *)"\1\0\0\0", 4}, mask = {(const uint8_t *)"\x12\0\0\0", 4};
	struct slice many = {(const uint8_t *)"\xe8\3\0\0", 4};
	assert_string_equal(tell_field(Q_SCHEMA, one, many), "key schema is 1000, was 1");
	assert_string_equal(tell_field(Q_UID, many, one), "uid is 1, was 1000");
	assert_string_equal(tell_field(Q_UMASK, one, mask), "umask is 022, was 001");
}

static void options_are_told_by_what_they_mean(void **state)
{
	(void)state;
	struct slice zero = {(const uint8_t *)"\0", 1}, one = slice_of("\1"), two = slice_of("\2");
	assert_string_equal(tell_field(Q_MERGED, zero, one), "stdout and stderr are one open file, were apart");
	assert_string_equal(tell_field(Q_TRACE, one, two), "tracing is strict, was not strict");
	assert_string_equal(tell_field(Q_TRACE, NONE, one), "tracing is new in the key");
	assert_string_equal(tell_field(Q_STDIN, NONE, NONE), "standard input is new in the key");
}

static void only_the_end_of_what_begins_alike_is_told(void **state)
{
	(void)state;
	char was[1001], now[1001];
	memset(was, 'a', 1000);
	was[1000] = '\0';
	memcpy(now, was, sizeof now);
	now[999] = 'b';
	assert_string_equal(tell_field(Q_CWD, slice_of(was), slice_of(now)),
	                    "working directory is '…aaaaaaaaaaaaaaaab', was '…aaaaaaaaaaaaaaaaa'");
	now[0] = 'b';
	tell_field(Q_CWD, slice_of(was), slice_of(now));
	assert_true(strlen(words) < 300);
	assert_non_null(strstr(words, "aaa…'"));
}

/* Bytes 0xc3 0xa4 are one character: what both begin with ends in the middle of one. */
static void no_character_is_cut(void **state)
{
	(void)state;
	struct buf was = {0}, now = {0};
	for (int i = 0; i < 40; i++) {
		buf_put(&was, "ä", 2);
		buf_put(&now, "ä", 2);
	}
	buf_put(&was, "ö", 2);
	buf_put(&now, "ü", 2);
	tell_field(Q_CWD, slice_of_buf(&was), slice_of_buf(&now));
	assert_null(strchr(words, '?'));
	assert_non_null(strstr(words, "äö'"));
	buf_release(&was);
	buf_release(&now);
}

static void every_kind_of_input_has_words_of_its_own(void **state)
{
	(void)state;
	static const struct {
		enum observation_kind kind;
		const char *words;
	} kinds[] = {
	    {OBSERVED_FILE, "/p changed"},
	    {OBSERVED_EXE, "executable /p changed"},
	    {OBSERVED_DIR, "/p: other names in it"},
	    {OBSERVED_GLOB, "/p: other names in it match"},
	    {OBSERVED_LINK, "/p leads elsewhere"},
	    {OBSERVED_OTHER, "/p changed"},
	    {OBSERVED_STAT, "/p: other metadata"},
	    {OBSERVED_LSTAT, "/p: other metadata"},
	    {OBSERVED_PLACE, "/p: other type, mode or owner"},
	    {OBSERVED_LPLACE, "/p: other type, mode or owner"},
	    {OBSERVED_VARIABLE, "variable /p changed"},
	    {OBSERVED_NAMES, "other variables are set"},
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		assert_string_equal(tell_input(kinds[i].kind, CHANGE_OTHER), kinds[i].words);
	assert_string_equal(tell_input(OBSERVED_NO_NAME, CHANGE_APPEARED), "/p appeared");
	assert_string_equal(tell_input(OBSERVED_STAT, CHANGE_VANISHED), "/p vanished");
	assert_string_equal(tell_input(OBSERVED_FILE, CHANGE_HIDDEN), "/p cannot be looked at");
	assert_string_equal(tell_input(OBSERVED_VARIABLE, CHANGE_APPEARED), "variable /p is set now");
	assert_string_equal(tell_input(OBSERVED_VARIABLE, CHANGE_VANISHED), "variable /p is no longer set");
}

static void what_was_traced_is_marked_in_json(void **state)
{
	(void)state;
	struct buf b = {0};
	struct difference d = {
	    .of = OF_TRACED, .change = CHANGE_VANISHED, .input = OBSERVED_STAT, .name = slice_of("/p")};
	difference_json(&b, &d);
	buf_u8(&b, '\0');
	assert_string_equal(b.data,
	                    "{\"part\":\"metadata\",\"change\":\"vanished\",\"name\":\"/p\",\"traced\":true,"
	                    "\"text\":\"/p vanished\"}");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_told_as_people_write_them),
	    cmocka_unit_test(options_are_told_by_what_they_mean),
	    cmocka_unit_test(only_the_end_of_what_begins_alike_is_told),
	    cmocka_unit_test(no_character_is_cut),
	    cmocka_unit_test(every_kind_of_input_has_words_of_its_own),
	    cmocka_unit_test(what_was_traced_is_marked_in_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
