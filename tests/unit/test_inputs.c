/* What a result depends on, for people and for programs. */
#include "support.h"

#include "inputs.h"
#include "shim/wire.h"

/* A traced run's: one declared file, a variable and the names of all. */
static void describe(struct capsule_meta *m, struct buf *bytes)
{
	struct observations declared = {0}, traced = {0};
	assert_non_null(observations_add(&declared, OBSERVED_FILE, "declared"));
	assert_non_null(observations_add(&traced, OBSERVED_VARIABLE, "NAME"));
	assert_non_null(observations_add(&traced, OBSERVED_NAMES, ""));
	capsule_encode_meta(bytes, slice_of("question"), &declared, slice_of("label"));
	capsule_encode_traced(bytes, &traced);
	assert_int_equal(capsule_parse_meta(m, slice_of_buf(bytes), NULL), DPC_OK);
	observations_release(&declared);
	observations_release(&traced);
}

static void assert_text(struct buf *b, const char *text)
{
	buf_u8(b, '\0');
	assert_string_equal(b->data, text);
	buf_release(b);
}

static void inputs_are_told_by_path_and_kind(void **state)
{
	(void)state;
	struct capsule_meta m;
	struct buf bytes = {0}, b = {0};
	describe(&m, &bytes);
	assert_int_equal(inputs_count(m.observations), 1);
	assert_int_equal(inputs_count(m.traced), 2);
	inputs_text(&b, "input", m.observations);
	inputs_text(&b, "traced", m.traced);
	assert_text(&b, "input     declared (file)\n"
	                "traced    NAME (variable)\n"
	                "traced    (names of variables)\n");
	buf_release(&bytes);
}

static void where_nothing_was_traced_there_is_nothing(void **state)
{
	(void)state;
	static const struct slice none;
	struct buf b = {0};
	assert_int_equal(inputs_count(none), 0);
	inputs_text(&b, "traced", none);
	assert_text(&b, "");
}

static void json_has_both_and_tells_them_apart(void **state)
{
	(void)state;
	struct capsule c = {.flags = (uint32_t)WIRE_SAW_RANDOM << CAPSULE_NOTES};
	struct capsule_meta m;
	struct buf bytes = {0}, b = {0};
	describe(&m, &bytes);
	inputs_json(&b, &c, &m);
	assert_text(
	    &b, "\"inputs\":["
	        "{\"path\":\"declared\",\"kind\":\"file\",\"digest\":\"00000000000000000000000000000000\","
	        "\"traced\":false},"
	        "{\"path\":\"NAME\",\"kind\":\"variable\",\"digest\":\"00000000000000000000000000000000\","
	        "\"traced\":true},"
	        "{\"path\":\"\",\"kind\":\"names of variables\",\"digest\":\"00000000000000000000000000000000\","
	        "\"traced\":true}],\"notes\":[\"asked for random numbers\"]");
	buf_release(&bytes);
}

static void every_note_has_words(void **state)
{
	(void)state;
	struct capsule c = {.flags = CAPSULE_VALUE | CAPSULE_HELD | CAPSULE_CUT | CAPSULE_MANIFEST};
	struct buf b = {0};
	inputs_notes_text(&b, &c);
	assert_int_equal(b.size, 0);
	c.flags |= (uint32_t)(WIRE_SAW_TIME | WIRE_SAW_RANDOM | WIRE_SAW_PID) << CAPSULE_NOTES;
	inputs_notes_text(&b, &c);
	assert_text(&b, "noted     it asked what time it is\n"
	                "noted     it asked for random numbers\n"
	                "noted     it asked for its own process id\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(inputs_are_told_by_path_and_kind),
	    cmocka_unit_test(where_nothing_was_traced_there_is_nothing),
	    cmocka_unit_test(json_has_both_and_tells_them_apart),
	    cmocka_unit_test(every_note_has_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
