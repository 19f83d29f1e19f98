/* One remembered run as bytes. */
#include "support.h"

#include "capsule.h"

#include <fcntl.h>
#include <signal.h>

static const struct piece PIECES[] = {
    {STREAM_OUT, "hello\n"}, {STREAM_ERR, "warning\n"}, {STREAM_OUT, "bye\n"}, {0, NULL}};

static struct capsule start(void)
{
	return (struct capsule){
	    .flags = CAPSULE_VALUE,
	    .key = digest_named("key"),
	    .created = {1, 2, 3},
	    .generation = 4,
	    .ttl = 5,
	    .cost = 6,
	    .status = -7,
	    .pid = 8,
	    .started = 9,
	};
}

static void build(struct buf *out, const struct observations *o)
{
	struct capsule c = start();
	build_capsule(out, &c, slice_of("a question"), o, PIECES);
}

static void a_head_comes_back_as_it_was(void **state)
{
	(void)state;
	struct capsule a = start(), b;
	uint8_t head[CAPSULE_HEAD];
	a.state = CAPSULE_DONE;
	a.voided = 0xdeadbeef;
	a.meta_size = 10, a.frames_size = 11, a.output_size = 12;
	a.contents_size = 16, a.list_size = 17;
	a.meta_sum = UINT64_MAX, a.payload_sum = 14, a.frames_sum = 15, a.list_sum = 18;
	capsule_encode_head(head, &a);
	assert_int_equal(capsule_decode_head(&b, head, sizeof head, NULL), DPC_OK);
	assert_true(b.state == a.state && b.voided == a.voided && b.flags == a.flags && b.pid == a.pid);
	assert_digests_equal(&b.key, &a.key);
	assert_true(b.created.wall == 1 && b.created.boot == 2 && b.created.boot_id == 3);
	assert_true(b.generation == 4 && b.ttl == 5 && b.cost == 6 && b.started == 9);
	/* A raw wait status is four bytes, sign and all. */
	assert_int_equal(b.status, -7);
	assert_true(b.meta_size == 10 && b.frames_size == 11 && b.output_size == 12);
	assert_true(b.contents_size == 16 && b.list_size == 17);
	assert_true(b.meta_sum == UINT64_MAX && b.payload_sum == 14 && b.frames_sum == 15 && b.list_sum == 18);
	assert_true(capsule_body_size(&b) == 11 + 16 + 17);
	assert_true(capsule_size(&b) == CAPSULE_HEAD + 10 + 11 + 16 + 17);
}

static void sizes_that_are_nonsense_do_not_wrap_around(void **state)
{
	(void)state;
	struct capsule c = {.meta_size = 1, .frames_size = 2, .contents_size = UINT64_MAX - 1, .list_size = 3};
	assert_true(capsule_body_size(&c) == UINT64_MAX);
	assert_true(capsule_size(&c) == UINT64_MAX);
}

static void the_format_is_the_same_on_every_machine(void **state)
{
	(void)state;
	struct buf b = {0};
	build(&b, NULL);
	static const uint8_t beginning[] = "DPCAPSUL\2\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0";
	assert_memory_equal(b.data, beginning, sizeof beginning - 1);
	/* The first frame: six bytes to standard output. */
	struct capsule c;
	assert_int_equal(capsule_decode_head(&c, b.data, b.size, NULL), DPC_OK);
	static const uint8_t frame[] = "\1\6\0\0\0\0\0\0hello\n";
	assert_memory_equal(b.data + CAPSULE_HEAD + c.meta_size, frame, sizeof frame - 1);
	buf_release(&b);
}

static void the_meta_section_comes_back_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct observations o = {0};
	struct digests d;
	struct buf b = {0}, stored = {0};
	digests_init(&d, f->home.fd);
	write_text(path_in(f, "a"), "one");
	assert_int_equal(observe_input(&o, &d, path_in(f, "a"), NULL), DPC_OK);
	assert_int_equal(observe_input(&o, &d, path_in(f, "nowhere"), NULL), DPC_OK);
	observations_put(&stored, &o);
	build(&b, &o);
	struct capsule c;
	struct capsule_meta m;
	assert_int_equal(capsule_decode_head(&c, b.data, b.size, NULL), DPC_OK);
	struct slice meta = {b.data + CAPSULE_HEAD, c.meta_size};
	assert_int_equal(capsule_decode_meta(&m, &c, meta, NULL), DPC_OK);
	assert_true(slice_equal(m.question, slice_of("a question")));
	assert_true(slice_equal(m.label, slice_of("a label")));
	assert_true(slice_equal(m.observations, slice_of_buf(&stored)));
	assert_int_equal(m.observations.data[0], 2);
	buf_release(&stored);
	buf_release(&b);
	observations_release(&o);
	digests_release(&d);
}

static void a_whole_capsule_is_whole(void **state)
{
	(void)state;
	struct buf b = {0}, output = {0};
	build(&b, NULL);
	assert_true(capsule_is_whole(b.data, b.size));
	struct answer a = ANSWER_NONE;
	assert_int_equal(answer_from_bytes(&a, &b, NULL), DPC_OK);
	read_frames(&output, &a.frames);
	assert_true(slice_equal(slice_of_buf(&output), slice_of("hello\nwarning\nbye\n")));
	assert_true(a.capsule.output_size == output.size);
	buf_release(&output);
	answer_release(&a);
}

static void every_flipped_bit_is_detected(void **state)
{
	struct fixture *f = *state;
	struct observations o = {0};
	struct digests d;
	struct buf b = {0};
	digests_init(&d, f->home.fd);
	assert_int_equal(observe_input(&o, &d, path_in(f, "nowhere"), NULL), DPC_OK);
	build(&b, &o);
	for (size_t at = 0; at < b.size; at++)
		for (int bit = 0; bit < 8; bit++) {
			b.data[at] ^= (uint8_t)(1 << bit);
			if (capsule_is_whole(b.data, b.size))
				fail_msg("byte %zu, bit %d flipped and nothing noticed", at, bit);
			b.data[at] ^= (uint8_t)(1 << bit);
		}
	assert_true(capsule_is_whole(b.data, b.size));
	buf_release(&b);
	observations_release(&o);
	digests_release(&d);
}

static void every_byte_made_another_is_detected(void **state)
{
	(void)state;
	struct buf b = {0};
	build(&b, NULL);
	for (size_t at = 0; at < b.size; at++) {
		uint8_t was = b.data[at];
		for (int v = 0; v < 256; v++) {
			b.data[at] = (uint8_t)v;
			if (v != was && capsule_is_whole(b.data, b.size))
				fail_msg("byte %zu made %d and nothing noticed", at, v);
		}
		b.data[at] = was;
	}
	buf_release(&b);
}

static void voiding_is_no_damage_but_makes_it_void(void **state)
{
	/* Whoever invalidates a run at work sets this word and nothing else. */
	(void)state;
	struct buf b = {0};
	struct capsule c;
	build(&b, NULL);
	for (int i = 0; i < 4; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.data[CAPSULE_VOIDED_AT + i] ^= (uint8_t)(1 << bit);
			assert_int_equal(capsule_decode_head(&c, b.data, b.size, NULL), DPC_OK);
			assert_true(c.voided);
			b.data[CAPSULE_VOIDED_AT + i] ^= (uint8_t)(1 << bit);
		}
	assert_int_equal(capsule_decode_head(&c, b.data, b.size, NULL), DPC_OK);
	assert_false(c.voided);
	buf_release(&b);
}

static void a_capsule_cut_short_is_detected_at_every_length(void **state)
{
	(void)state;
	struct buf b = {0};
	build(&b, NULL);
	for (size_t size = 0; size < b.size; size++)
		if (capsule_is_whole(b.data, size))
			fail_msg("cut to %zu bytes and nothing noticed", size);
	buf_release(&b);
}

static void a_capsule_with_something_behind_it_is_detected(void **state)
{
	(void)state;
	struct buf b = {0};
	build(&b, NULL);
	buf_u8(&b, 0);
	assert_false(capsule_is_whole(b.data, b.size));
	buf_release(&b);
}

/* The same from a file. */
static bool file_is_whole(const char *path, const void *data, size_t size)
{
	write_file(path, data, size);
	struct answer a = ANSWER_NONE;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	bool whole = answer_from_fd(&a, fd, NULL) == DPC_OK && a.capsule.state == CAPSULE_DONE &&
	             !a.capsule.voided && capsule_check_frames(&a.capsule, &a.frames, NULL) == DPC_OK;
	answer_release(&a);
	return whole;
}

static void damage_in_a_file_is_detected_too(void **state)
{
	struct fixture *f = *state;
	const char *path = path_in(f, "capsule");
	struct buf b = {0};
	build(&b, NULL);
	assert_true(file_is_whole(path, b.data, b.size));
	for (size_t at = 0; at < b.size; at++) {
		b.data[at] ^= 0xff;
		assert_false(file_is_whole(path, b.data, b.size));
		b.data[at] ^= 0xff;
		assert_false(file_is_whole(path, b.data, at));
	}
	/* What stands behind it is somebody else's: see shelf.h. */
	buf_u8(&b, 0);
	assert_true(file_is_whole(path, b.data, b.size));
	buf_release(&b);
}

static void a_file_that_shrinks_while_it_is_read_is_detected(void **state)
{
	struct fixture *f = *state;
	const char *path = path_in(f, "capsule");
	struct buf b = {0};
	struct answer a = ANSWER_NONE;
	build(&b, NULL);
	write_file(path, b.data, b.size);
	assert_int_equal(answer_from_fd(&a, open(path, O_RDONLY | O_CLOEXEC), NULL), DPC_OK);
	assert_int_equal(truncate(path, (off_t)b.size - 1), 0);
	assert_int_equal(capsule_check_frames(&a.capsule, &a.frames, NULL), DPC_E_CORRUPT);
	answer_release(&a);
	buf_release(&b);
}

static void a_later_version_is_told_from_damage(void **state)
{
	(void)state;
	struct buf b = {0};
	struct capsule c;
	dpc_error err = {0};
	build(&b, NULL);
	b.data[8] = CAPSULE_VERSION + 1;
	assert_int_equal(capsule_decode_head(&c, b.data, b.size, &err), DPC_E_VERSION);
	assert_int_equal(err.code, DPC_E_VERSION);
	b.data[8] = 0;
	assert_int_equal(capsule_decode_head(&c, b.data, b.size, &err), DPC_E_CORRUPT);
	buf_release(&b);
}

static void what_is_no_capsule_is_corrupt(void **state)
{
	(void)state;
	struct capsule c;
	uint8_t zeros[CAPSULE_HEAD] = {0};
	assert_int_equal(capsule_decode_head(&c, zeros, sizeof zeros, NULL), DPC_E_CORRUPT);
	assert_int_equal(capsule_decode_head(&c, zeros, 0, NULL), DPC_E_CORRUPT);
	assert_int_equal(capsule_decode_head(&c, "DPCAPSUL", 8, NULL), DPC_E_CORRUPT);
	assert_int_equal(capsule_decode_head(&c, "DPCAPSUL\2\0\0\0", 12, NULL), DPC_E_CORRUPT);
}

static void meta_that_is_summed_but_malformed_is_corrupt(void **state)
{
	/* As a later or a broken writer would leave it: the sum is right. */
	(void)state;
	static const uint8_t forms[][12] = {
	    {0xff, 0xff, 0xff, 0xff},             /* a question beyond the end */
	    {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, /* more observations than bytes */
	    {0, 0, 0, 0, 1, 0, 0, 0, 'f', 0, 0, 0},
	};
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct capsule c = {.meta_size = sizeof forms[i], .meta_sum = hash64(forms[i], sizeof forms[i])};
		struct capsule_meta m;
		struct slice meta = {forms[i], sizeof forms[i]};
		assert_int_equal(capsule_decode_meta(&m, &c, meta, NULL), DPC_E_CORRUPT);
	}
	/* And one byte too many, where only zeros may follow. */
	struct buf b = {0};
	static const struct observations none;
	capsule_encode_meta(&b, slice_of("q"), &none, slice_of("l"));
	buf_u8(&b, 1);
	struct capsule c = {.meta_size = b.size, .meta_sum = hash64(b.data, b.size)};
	struct capsule_meta m;
	assert_int_equal(capsule_decode_meta(&m, &c, slice_of_buf(&b), NULL), DPC_E_CORRUPT);
	buf_release(&b);
}

static void a_capsule_without_output_is_whole(void **state)
{
	(void)state;
	static const struct piece silent[] = {{0, NULL}};
	struct capsule c = start();
	struct buf b = {0};
	build_capsule(&b, &c, slice_of("q"), NULL, silent);
	assert_true(capsule_is_whole(b.data, b.size));
	buf_release(&b);
}

static void frames_can_be_read_in_part_but_not_beyond(void **state)
{
	struct fixture *f = *state;
	char got[4];
	write_text(path_in(f, "a"), "##0123456789");
	int fd = open(path_in(f, "a"), O_RDONLY | O_CLOEXEC);
	const struct frames forms[] = {
	    {.memory = slice_of("0123456789"), .fd = -1, .size = 10},
	    {.fd = fd, .offset = 2, .size = 10},
	};
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(frames_read(got, 4, &forms[i], 6, NULL), DPC_OK);
		assert_memory_equal(got, "6789", 4);
		assert_int_equal(frames_read(got, 4, &forms[i], 7, NULL), DPC_E_CORRUPT);
		assert_int_equal(frames_read(got, 1, &forms[i], 10, NULL), DPC_E_CORRUPT);
		assert_int_equal(frames_read(got, 1, &forms[i], UINT64_MAX, NULL), DPC_E_CORRUPT);
		assert_int_equal(frames_read(got, UINT64_MAX, &forms[i], 2, NULL), DPC_E_CORRUPT);
	}
	struct frames claims_more = {.fd = fd, .offset = 2, .size = 11};
	assert_int_equal(frames_read(got, 4, &claims_more, 7, NULL), DPC_E_CORRUPT);
	close(fd);
}

static void a_frames_word_is_taken_apart_as_it_was_put_together(void **state)
{
	(void)state;
	uint64_t word = frame_word(STREAM_ERR, UINT64_C(1) << 50);
	assert_true(frame_word_size(word) == UINT64_C(1) << 50);
	assert_int_equal(frame_word_stream(word), STREAM_ERR);
}

static void the_exit_status_is_what_a_shell_would_show(void **state)
{
	(void)state;
	assert_int_equal(capsule_exit_status(0), 0);
	assert_int_equal(capsule_exit_status(1 << 8), 1);
	assert_int_equal(capsule_exit_status(255 << 8), 255);
	assert_int_equal(capsule_exit_status(SIGKILL), 137);
	assert_int_equal(capsule_exit_status(SIGSEGV | 0x80), 139);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_head_comes_back_as_it_was),
	    cmocka_unit_test(sizes_that_are_nonsense_do_not_wrap_around),
	    cmocka_unit_test(the_format_is_the_same_on_every_machine),
	    with_home(the_meta_section_comes_back_as_it_was),
	    cmocka_unit_test(a_whole_capsule_is_whole),
	    with_home(every_flipped_bit_is_detected),
	    cmocka_unit_test(every_byte_made_another_is_detected),
	    cmocka_unit_test(voiding_is_no_damage_but_makes_it_void),
	    cmocka_unit_test(a_capsule_cut_short_is_detected_at_every_length),
	    cmocka_unit_test(a_capsule_with_something_behind_it_is_detected),
	    with_home(damage_in_a_file_is_detected_too),
	    with_home(a_file_that_shrinks_while_it_is_read_is_detected),
	    cmocka_unit_test(a_later_version_is_told_from_damage),
	    cmocka_unit_test(what_is_no_capsule_is_corrupt),
	    cmocka_unit_test(meta_that_is_summed_but_malformed_is_corrupt),
	    cmocka_unit_test(a_capsule_without_output_is_whole),
	    with_home(frames_can_be_read_in_part_but_not_beyond),
	    cmocka_unit_test(a_frames_word_is_taken_apart_as_it_was_put_together),
	    cmocka_unit_test(the_exit_status_is_what_a_shell_would_show),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
