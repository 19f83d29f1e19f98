/* Goes on with an output of which some was given when its run died. */
#include "support.h"

#include "resume.h"

static void note(struct resume *r, enum stream stream, const char *text)
{
	resume_note(r, stream, text, strlen(text));
}

/* A run says `text`; of it `expected` is passed on. */
static void assert_passes(struct resume *r, enum stream stream, const char *text, const char *expected)
{
	const uint8_t *data = (const uint8_t *)text;
	size_t size = strlen(text);
	assert_int_equal(resume_filter(r, stream, &data, &size, NULL), DPC_OK);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(data, expected, size);
	resume_note(r, stream, data, size);
}

static void assert_conflicts(struct resume *r, enum stream stream, const char *text)
{
	const uint8_t *data = (const uint8_t *)text;
	size_t size = strlen(text);
	dpc_error err = {0};
	assert_int_equal(resume_filter(r, stream, &data, &size, &err), DPC_E_CONFLICT);
	assert_int_equal(err.code, DPC_E_CONFLICT);
}

static void a_first_run_passes_as_it_is(void **state)
{
	(void)state;
	struct resume r;
	resume_init(&r);
	assert_passes(&r, STREAM_OUT, "some", "some");
	assert_passes(&r, STREAM_ERR, "thing", "thing");
	assert_passes(&r, STREAM_OUT, "", "");
	assert_int_equal(resume_end(&r, NULL), DPC_OK);
}

static void the_next_run_is_swallowed_up_to_where_the_last_one_died(void **state)
{
	(void)state;
	struct resume r;
	resume_init(&r);
	note(&r, STREAM_OUT, "hel");
	note(&r, STREAM_ERR, "oh");
	resume_restart(&r);
	assert_passes(&r, STREAM_OUT, "h", "");
	assert_passes(&r, STREAM_OUT, "ello", "lo");
	assert_passes(&r, STREAM_ERR, "oh", "");
	assert_passes(&r, STREAM_ERR, " no", " no");
	assert_passes(&r, STREAM_OUT, " all", " all");
	assert_int_equal(resume_end(&r, NULL), DPC_OK);
}

static void streams_are_apart(void **state)
{
	(void)state;
	struct resume r;
	resume_init(&r);
	note(&r, STREAM_OUT, "same");
	resume_restart(&r);
	assert_passes(&r, STREAM_ERR, "same", "same");
	assert_passes(&r, STREAM_OUT, "same", "");
	assert_int_equal(resume_end(&r, NULL), DPC_OK);
}

static void another_output_is_a_conflict_as_soon_as_it_is_known(void **state)
{
	(void)state;
	struct resume r;
	resume_init(&r);
	note(&r, STREAM_OUT, "12:00:01");
	resume_restart(&r);
	assert_passes(&r, STREAM_OUT, "12:00", "");
	assert_conflicts(&r, STREAM_OUT, ":02 and more");
}

static void an_output_that_ends_too_early_is_a_conflict(void **state)
{
	(void)state;
	static const enum stream streams[] = {STREAM_OUT, STREAM_ERR};
	for (int i = 0; i < 2; i++) {
		struct resume r;
		dpc_error err = {0};
		resume_init(&r);
		note(&r, streams[i], "whole");
		resume_restart(&r);
		assert_passes(&r, streams[i], "who", "");
		assert_int_equal(resume_end(&r, &err), DPC_E_CONFLICT);
		assert_int_equal(err.code, DPC_E_CONFLICT);
	}
}

static void one_death_after_another_is_survived(void **state)
{
	(void)state;
	struct resume r;
	resume_init(&r);
	note(&r, STREAM_OUT, "abc");
	/* Dies before it gets there, … */
	resume_restart(&r);
	assert_passes(&r, STREAM_OUT, "ab", "");
	/* … just there, … */
	resume_restart(&r);
	assert_passes(&r, STREAM_OUT, "abc", "");
	/* … behind, … */
	resume_restart(&r);
	assert_passes(&r, STREAM_OUT, "abcd", "d");
	/* … and before it says anything. */
	resume_restart(&r);
	resume_restart(&r);
	assert_passes(&r, STREAM_OUT, "abcdef", "ef");
	assert_int_equal(resume_end(&r, NULL), DPC_OK);
	resume_restart(&r);
	assert_conflicts(&r, STREAM_OUT, "abcdeF");
}

static void large_outputs_match_however_they_are_cut(void **state)
{
	(void)state;
	static uint8_t noise[300000];
	struct resume r;
	fill_noise(noise, sizeof noise, 1);
	resume_init(&r);
	for (size_t at = 0; at < 200000; at += 1000)
		resume_note(&r, STREAM_ERR, noise + at, 1000);
	resume_restart(&r);
	uint64_t passed = 0;
	for (size_t at = 0; at < sizeof noise; at += 7500) {
		const uint8_t *data = noise + at;
		size_t size = 7500;
		assert_int_equal(resume_filter(&r, STREAM_ERR, &data, &size, NULL), DPC_OK);
		assert_true(!size || data + size == noise + at + 7500);
		passed += size;
	}
	assert_true(passed == 100000);
}

static void its_place_travels_as_text(void **state)
{
	(void)state;
	struct resume r, other;
	char text[RESUME_TEXT], again[RESUME_TEXT];
	resume_init(&r);
	note(&r, STREAM_OUT, "given");
	resume_encode(text, &r);
	assert_true(strncmp(text, "5:", 2) == 0);
	assert_int_equal(resume_decode(&other, text, NULL), DPC_OK);
	resume_encode(again, &other);
	assert_string_equal(again, text);
	assert_passes(&other, STREAM_OUT, "given and more", " and more");
	assert_passes(&other, STREAM_ERR, "first", "first");
	assert_int_equal(resume_end(&other, NULL), DPC_OK);
	/* It counts on from there. */
	note(&r, STREAM_OUT, " and more");
	note(&r, STREAM_ERR, "first");
	resume_encode(text, &r);
	resume_encode(again, &other);
	assert_string_equal(again, text);
	assert_int_equal(resume_decode(&other, text, NULL), DPC_OK);
	assert_conflicts(&other, STREAM_ERR, "FIRST");
}

static void a_place_is_the_same_in_the_middle_of_the_next_run(void **state)
{
	(void)state;
	struct resume r;
	char text[RESUME_TEXT], again[RESUME_TEXT];
	resume_init(&r);
	note(&r, STREAM_OUT, "given");
	resume_encode(text, &r);
	resume_restart(&r);
	assert_passes(&r, STREAM_OUT, "gi", "");
	resume_encode(again, &r);
	assert_string_equal(again, text);
}

static void the_largest_counts_fit_the_text(void **state)
{
	(void)state;
	struct resume r, other;
	char text[RESUME_TEXT];
	resume_init(&r);
	r.streams[0].given = r.streams[1].given = UINT64_MAX;
	resume_encode(text, &r);
	assert_int_equal(strlen(text), RESUME_TEXT - 1);
	assert_int_equal(resume_decode(&other, text, NULL), DPC_OK);
	assert_true(other.streams[1].given == UINT64_MAX);
}

#define HEX "00112233445566778899aabbccddeeff"

static void any_other_text_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
	    "", ":", "5", "5:", "5:" HEX, "5:" HEX ":", "5:" HEX ":0", "5:" HEX ":0:", "5:" HEX ":0:" HEX "0",
	    "5:" HEX ":0:" HEX ":", ":" HEX ":0:" HEX, "-1:" HEX ":0:" HEX, " 1:" HEX ":0:" HEX,
	    "5:" HEX " 0:" HEX, "5:0011:0:" HEX, "x:" HEX ":0:" HEX, "18446744073709551616:" HEX ":0:" HEX,
	};
	struct resume r;
	dpc_error err = {0};
	assert_int_equal(resume_decode(&r, "5:" HEX ":0:" HEX, NULL), DPC_OK);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_int_equal(resume_decode(&r, texts[i], &err), DPC_E_USAGE);
		/* Nothing of it was taken. */
		assert_passes(&r, STREAM_OUT, "fresh", "fresh");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_first_run_passes_as_it_is),
	    cmocka_unit_test(the_next_run_is_swallowed_up_to_where_the_last_one_died),
	    cmocka_unit_test(streams_are_apart),
	    cmocka_unit_test(another_output_is_a_conflict_as_soon_as_it_is_known),
	    cmocka_unit_test(an_output_that_ends_too_early_is_a_conflict),
	    cmocka_unit_test(one_death_after_another_is_survived),
	    cmocka_unit_test(large_outputs_match_however_they_are_cut),
	    cmocka_unit_test(its_place_travels_as_text),
	    cmocka_unit_test(a_place_is_the_same_in_the_middle_of_the_next_run),
	    cmocka_unit_test(the_largest_counts_fit_the_text),
	    cmocka_unit_test(any_other_text_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
