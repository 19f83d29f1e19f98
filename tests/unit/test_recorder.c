/* Builds one capsule while its output is being produced. */
#include "support.h"

#include "recorder.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

static const struct capsule START = {.generation = 3, .pid = 4};

static int scratch(const struct fixture *f)
{
	int fd = open(path_in(f, "scratch"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static int begin_limited(struct recorder *r, int fd, uint64_t limit)
{
	static const struct observations none;
	struct buf meta = {0};
	capsule_encode_meta(&meta, slice_of("question"), &none, slice_of("label"));
	int rc = recorder_begin(r, &START, &meta, fd, limit, NULL);
	assert_null(meta.data);
	return rc;
}

static void begin(struct recorder *r, int fd)
{
	assert_int_equal(begin_limited(r, fd, UINT64_MAX), DPC_OK);
}

static void append(struct recorder *r, enum stream stream, const void *data, size_t size)
{
	assert_int_equal(recorder_append(r, stream, data, size, NULL), DPC_OK);
}

static void finish(struct recorder *r)
{
	assert_int_equal(recorder_finish(r, CAPSULE_DONE, NULL), DPC_OK);
}

/* Frames as "1:size 2:size ". */
static void assert_frames(const struct frames *f, const char *expected)
{
	char text[256] = "";
	uint64_t word;
	for (uint64_t at = 0; at < f->size; at += sizeof word + frame_word_size(word)) {
		uint8_t bytes[sizeof word];
		assert_int_equal(frames_read(bytes, sizeof bytes, f, at, NULL), DPC_OK);
		struct cursor c = {bytes, bytes + sizeof bytes, false};
		word = cursor_u64(&c);
		size_t n = strlen(text);
		snprintf(text + n, sizeof text - n, "%d:%llu ", (int)frame_word_stream(word),
		         (unsigned long long)frame_word_size(word));
	}
	assert_string_equal(text, expected);
}

static void assert_file(const struct fixture *f, const void *output, size_t size, const char *frames)
{
	struct answer a = ANSWER_NONE;
	struct buf got = {0};
	dpc_error err = {0};
	if (answer_from_fd(&a, open(path_in(f, "scratch"), O_RDONLY | O_CLOEXEC), &err) != DPC_OK)
		fail_msg("%s", err.message);
	assert_int_equal(a.capsule.state, CAPSULE_DONE);
	assert_int_equal(capsule_check_frames(&a.capsule, &a.frames, NULL), DPC_OK);
	read_frames(&got, &a.frames);
	assert_int_equal(got.size, size);
	assert_memory_equal(got.data, output, size);
	assert_true(a.capsule.output_size == size);
	if (frames)
		assert_frames(&a.frames, frames);
	buf_release(&got);
	answer_release(&a);
}

static void a_small_run_stays_in_memory_and_is_in_its_file(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct buf b = {0}, file = {0};
	int fd = scratch(f);
	begin(&r, fd);
	append(&r, STREAM_OUT, "hello\n", 6);
	append(&r, STREAM_ERR, "oh\n", 3);
	finish(&r);
	assert_false(r.spilled);
	assert_int_equal(recorder_inline_bytes(&r, &b), 0);
	assert_true(capsule_is_whole(b.data, b.size));
	assert_file(f, "hello\noh\n", 9, "1:6 2:3 ");
	/* Byte for byte the same. */
	read_file(&file, path_in(f, "scratch"));
	assert_true(slice_equal(slice_of_buf(&file), slice_of_buf(&b)));
	buf_release(&file);
	buf_release(&b);
	recorder_release(&r);
	close(fd);
}

static void a_small_run_needs_no_file(void **state)
{
	(void)state;
	struct recorder r;
	struct buf b = {0};
	begin(&r, -1);
	append(&r, STREAM_OUT, "hello\n", 6);
	finish(&r);
	assert_int_equal(recorder_inline_bytes(&r, &b), 0);
	assert_true(capsule_is_whole(b.data, b.size));
	buf_release(&b);
	recorder_release(&r);
}

static void a_large_run_spills_into_its_file(void **state)
{
	struct fixture *f = *state;
	static uint8_t noise[300000];
	struct recorder r;
	int fd = scratch(f);
	fill_noise(noise, sizeof noise, 1);
	begin(&r, fd);
	for (size_t at = 0; at < sizeof noise; at += 1000)
		append(&r, STREAM_OUT, noise + at, 1000);
	assert_true(r.spilled);
	assert_null(r.small.data);
	finish(&r);
	assert_file(f, noise, sizeof noise, "1:300000 ");
	recorder_release(&r);
	close(fd);
}

static void one_large_write_spills_at_once(void **state)
{
	struct fixture *f = *state;
	static uint8_t noise[1 << 20];
	struct recorder r;
	int fd = scratch(f);
	fill_noise(noise, sizeof noise, 2);
	begin(&r, fd);
	append(&r, STREAM_ERR, noise, sizeof noise);
	assert_true(r.spilled);
	finish(&r);
	assert_file(f, noise, sizeof noise, "2:1048576 ");
	recorder_release(&r);
	close(fd);
}

static void what_stays_in_memory_is_never_larger_than_inline(void **state)
{
	struct fixture *f = *state;
	static uint8_t noise[CAPSULE_INLINE];
	fill_noise(noise, sizeof noise, 3);
	/* Around the edge, both sides of it. */
	for (size_t size = CAPSULE_INLINE - CAPSULE_HEAD - 60; size < CAPSULE_INLINE - CAPSULE_HEAD; size++) {
		struct recorder r;
		int fd = scratch(f);
		begin(&r, fd);
		append(&r, STREAM_OUT, noise, size);
		finish(&r);
		assert_int_equal(r.spilled, capsule_size(&r.capsule) > CAPSULE_INLINE);
		assert_file(f, noise, size, NULL);
		recorder_release(&r);
		close(fd);
		unlink(path_in(f, "scratch"));
	}
}

static void without_a_file_nothing_outgrows_memory(void **state)
{
	(void)state;
	static uint8_t noise[CAPSULE_INLINE];
	struct recorder r;
	dpc_error err = {0};
	begin(&r, -1);
	assert_int_equal(recorder_append(&r, STREAM_OUT, noise, sizeof noise, &err), DPC_E_IO);
	recorder_release(&r);
}

static void streams_interleave_in_the_order_they_came(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	int fd = scratch(f);
	begin(&r, fd);
	append(&r, STREAM_OUT, "a", 1);
	append(&r, STREAM_OUT, "b", 1);
	append(&r, STREAM_ERR, "c", 1);
	append(&r, STREAM_OUT, "", 0);
	append(&r, STREAM_ERR, "d", 1);
	append(&r, STREAM_OUT, "e", 1);
	append(&r, STREAM_ERR, "", 0);
	finish(&r);
	assert_file(f, "abcde", 5, "1:2 2:2 1:1 ");
	recorder_release(&r);
	close(fd);
}

static void streams_interleave_over_the_spill(void **state)
{
	struct fixture *f = *state;
	static uint8_t noise[200000];
	struct recorder r;
	struct buf expected = {0};
	int fd = scratch(f);
	fill_noise(noise, sizeof noise, 4);
	begin(&r, fd);
	for (size_t at = 0, i = 0; at < sizeof noise; i++) {
		size_t size = noise[at] * 7u + 1u;
		size = size < sizeof noise - at ? size : sizeof noise - at;
		append(&r, noise[at] & 1 ? STREAM_OUT : STREAM_ERR, noise + at, size);
		buf_put(&expected, noise + at, size);
		at += size;
	}
	finish(&r);
	assert_true(r.spilled);
	assert_file(f, expected.data, expected.size, NULL);
	buf_release(&expected);
	recorder_release(&r);
	close(fd);
}

static void silence_is_a_whole_capsule(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	int fd = scratch(f);
	begin(&r, fd);
	append(&r, STREAM_OUT, "", 0);
	finish(&r);
	assert_true(r.capsule.frames_size == 0);
	assert_file(f, "", 0, "");
	recorder_release(&r);
	close(fd);
}

static void the_limit_may_be_reached_but_not_passed(void **state)
{
	(void)state;
	struct recorder r;
	dpc_error err = {0};
	assert_int_equal(begin_limited(&r, -1, 10), DPC_OK);
	append(&r, STREAM_OUT, "12345", 5);
	append(&r, STREAM_ERR, "67890", 5);
	append(&r, STREAM_ERR, "", 0);
	assert_int_equal(recorder_append(&r, STREAM_OUT, "x", 1, &err), DPC_E_USAGE);
	assert_int_equal(err.code, DPC_E_USAGE);
	recorder_release(&r);
	assert_int_equal(begin_limited(&r, -1, 10), DPC_OK);
	assert_int_equal(recorder_append(&r, STREAM_OUT, "12345678901", 11, &err), DPC_E_USAGE);
	recorder_release(&r);
	assert_int_equal(begin_limited(&r, -1, 0), DPC_OK);
	assert_int_equal(recorder_append(&r, STREAM_OUT, "x", 1, &err), DPC_E_USAGE);
	recorder_release(&r);
}

static void others_can_see_who_is_at_work(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct buf b = {0};
	struct capsule c;
	struct capsule_meta m;
	int fd = scratch(f);
	begin(&r, fd);
	append(&r, STREAM_OUT, "not yet", 7);
	read_file(&b, path_in(f, "scratch"));
	assert_int_equal(capsule_decode_head(&c, b.data, b.size, NULL), DPC_OK);
	assert_int_equal(c.state, CAPSULE_BUILDING);
	assert_int_equal(c.pid, 4);
	struct slice meta = {b.data + CAPSULE_HEAD, c.meta_size};
	assert_int_equal(capsule_decode_meta(&m, &c, meta, NULL), DPC_OK);
	assert_true(slice_equal(m.label, slice_of("label")));
	buf_release(&b);
	recorder_release(&r);
	close(fd);
}

/* The file as others find it while the run is at work. */
static void assert_published(const struct fixture *f, const struct recorder *r, const struct buf *output)
{
	struct capsule c;
	struct capsule_meta m;
	struct buf file = {0}, got = {0};
	read_file(&file, path_in(f, "scratch"));
	assert_int_equal(capsule_decode_head(&c, file.data, file.size, NULL), DPC_OK);
	assert_int_equal(c.state, CAPSULE_BUILDING);
	assert_true(capsule_size(&c) == file.size);
	assert_true(c.output_size == output->size);
	struct slice meta = {file.data + CAPSULE_HEAD, c.meta_size};
	assert_int_equal(capsule_decode_meta(&m, &c, meta, NULL), DPC_OK);
	struct frames frames = {{NULL, 0}, r->fd, CAPSULE_HEAD + c.meta_size, c.frames_size};
	read_frames(&got, &frames);
	assert_true(slice_equal(slice_of_buf(&got), slice_of_buf(output)));
	buf_release(&file);
	buf_release(&got);
}

static void others_can_read_what_there_is_after_each_append(void **state)
{
	struct fixture *f = *state;
	static uint8_t noise[CAPSULE_INLINE * 2];
	struct recorder r;
	struct buf output = {0};
	int fd = scratch(f);
	fill_noise(noise, sizeof noise, 6);
	begin(&r, fd);
	assert_published(f, &r, &output);
	for (size_t at = 0; at < sizeof noise;) {
		size_t size = noise[at] * 11u + 1u;
		size = size < sizeof noise - at ? size : sizeof noise - at;
		append(&r, noise[at] & 1 ? STREAM_OUT : STREAM_ERR, noise + at, size);
		buf_put(&output, noise + at, size);
		assert_published(f, &r, &output);
		at += size;
	}
	assert_true(r.spilled);
	buf_release(&output);
	recorder_release(&r);
	close(fd);
}

static void while_frames_move_the_head_tells_of_none(void **state)
{
	struct fixture *f = *state;
	static uint8_t noise[CAPSULE_INLINE];
	struct rlimit before, limit;
	struct recorder r;
	struct buf file = {0};
	struct capsule c;
	int fd = scratch(f);
	begin(&r, fd);
	append(&r, STREAM_OUT, noise, sizeof noise - 1000);
	/* No room behind what there is: the move is stopped half-way. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)lseek(fd, 0, SEEK_END);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(recorder_append(&r, STREAM_OUT, noise, 2000, NULL), DPC_E_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	read_file(&file, path_in(f, "scratch"));
	assert_int_equal(capsule_decode_head(&c, file.data, file.size, NULL), DPC_OK);
	assert_int_equal(c.state, CAPSULE_BUILDING);
	assert_true(c.frames_size == 0 && c.output_size == 0);
	buf_release(&file);
	recorder_release(&r);
	close(fd);
}

static void what_is_half_written_is_no_answer(void **state)
{
	/* A leader that is killed at any moment before the head is written. */
	struct fixture *f = *state;
	static uint8_t noise[CAPSULE_INLINE * 2];
	struct recorder r;
	struct buf b = {0};
	int fd = scratch(f);
	begin(&r, fd);
	append(&r, STREAM_OUT, noise, sizeof noise);
	append(&r, STREAM_ERR, "more", 4);
	read_file(&b, path_in(f, "scratch"));
	assert_false(capsule_is_whole(b.data, b.size));
	buf_release(&b);
	recorder_release(&r);
	close(fd);
}

static void void_it(int fd)
{
	static const uint32_t voided = UINT32_MAX;
	assert_int_equal(pwrite(fd, &voided, sizeof voided, CAPSULE_VOIDED_AT), sizeof voided);
}

static void a_run_voided_while_at_work_stays_void(void **state)
{
	struct fixture *f = *state;
	static uint8_t noise[CAPSULE_INLINE * 2];
	for (int large = 0; large < 2; large++) {
		struct recorder r;
		struct answer a = ANSWER_NONE;
		int fd = scratch(f);
		begin(&r, fd);
		append(&r, STREAM_OUT, "before", 6);
		void_it(fd);
		append(&r, STREAM_OUT, noise, large ? sizeof noise : 1);
		finish(&r);
		assert_int_equal(answer_from_fd(&a, open(path_in(f, "scratch"), O_RDONLY | O_CLOEXEC), NULL), DPC_OK);
		assert_int_equal(a.capsule.state, CAPSULE_DONE);
		assert_true(a.capsule.voided);
		/* Void, not damaged: those who wait already may have it. */
		assert_int_equal(capsule_check_frames(&a.capsule, &a.frames, NULL), DPC_OK);
		answer_release(&a);
		recorder_release(&r);
		close(fd);
		unlink(path_in(f, "scratch"));
	}
}

static void giving_up_leaves_a_head_that_says_so(void **state)
{
	struct fixture *f = *state;
	static uint8_t noise[CAPSULE_INLINE * 2];
	struct recorder r;
	struct buf b = {0};
	struct capsule c;
	int fd = scratch(f);
	begin(&r, fd);
	append(&r, STREAM_OUT, noise, sizeof noise);
	recorder_give_up(&r, CAPSULE_GIVEN_UP);
	read_file(&b, path_in(f, "scratch"));
	assert_int_equal(capsule_decode_head(&c, b.data, b.size, NULL), DPC_OK);
	assert_int_equal(c.state, CAPSULE_GIVEN_UP);
	assert_true(capsule_size(&c) == b.size);
	buf_release(&b);
	recorder_release(&r);
	close(fd);
	/* Without a file there is nobody to tell. */
	begin(&r, -1);
	recorder_give_up(&r, CAPSULE_GIVEN_UP);
	recorder_release(&r);
}

static void what_a_dead_leader_left_in_the_file_is_not_in_the_capsule(void **state)
{
	/* A leader was killed with much written; the next one finds its file, and
	 * has less to say. */
	struct fixture *f = *state;
	static uint8_t noise[CAPSULE_INLINE * 4];
	static const size_t sizes[] = {0, 5, CAPSULE_INLINE * 2};
	fill_noise(noise, sizeof noise, 5);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct recorder r;
		int fd = scratch(f);
		begin(&r, fd);
		append(&r, STREAM_OUT, noise, sizeof noise);
		recorder_release(&r);
		begin(&r, fd);
		append(&r, STREAM_OUT, noise, sizes[i]);
		finish(&r);
		assert_file(f, noise, sizes[i], NULL);
		recorder_release(&r);
		close(fd);
		unlink(path_in(f, "scratch"));
	}
}

static void a_full_disk_is_told_at_once(void **state)
{
	(void)state;
	static const struct observations none;
	struct recorder r;
	struct buf meta = {0};
	dpc_error err = {0};
	int fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		skip();
	capsule_encode_meta(&meta, slice_of("question"), &none, slice_of("label"));
	assert_int_equal(recorder_begin(&r, &START, &meta, fd, UINT64_MAX, &err), DPC_E_IO);
	recorder_release(&r);
	close(fd);
}

static void a_file_that_fails_on_the_way_is_told(void **state)
{
	struct fixture *f = *state;
	static uint8_t noise[CAPSULE_INLINE];
	struct recorder r;
	int fd = scratch(f), full = open("/dev/full", O_RDWR | O_CLOEXEC);
	if (full < 0)
		skip();
	begin(&r, fd);
	append(&r, STREAM_OUT, "x", 1);
	assert_true(dup2(full, fd) >= 0);
	assert_int_equal(recorder_append(&r, STREAM_OUT, noise, sizeof noise, NULL), DPC_E_IO);
	recorder_give_up(&r, CAPSULE_GIVEN_UP);
	recorder_release(&r);
	close(fd);
	fd = scratch(f);
	begin(&r, fd);
	append(&r, STREAM_OUT, "x", 1);
	assert_true(dup2(full, fd) >= 0);
	assert_int_equal(recorder_finish(&r, CAPSULE_DONE, NULL), DPC_E_IO);
	recorder_release(&r);
	close(fd);
	close(full);
}

static void meta_that_could_not_be_built_is_refused(void **state)
{
	(void)state;
	struct recorder r;
	struct buf meta = {.failed = true};
	assert_int_equal(recorder_begin(&r, &START, &meta, -1, UINT64_MAX, NULL), DPC_E_MEMORY);
	recorder_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(a_small_run_stays_in_memory_and_is_in_its_file),
	    cmocka_unit_test(a_small_run_needs_no_file),
	    with_home(a_large_run_spills_into_its_file),
	    with_home(one_large_write_spills_at_once),
	    with_home(what_stays_in_memory_is_never_larger_than_inline),
	    cmocka_unit_test(without_a_file_nothing_outgrows_memory),
	    with_home(streams_interleave_in_the_order_they_came),
	    with_home(streams_interleave_over_the_spill),
	    with_home(silence_is_a_whole_capsule),
	    cmocka_unit_test(the_limit_may_be_reached_but_not_passed),
	    with_home(others_can_see_who_is_at_work),
	    with_home(others_can_read_what_there_is_after_each_append),
	    with_home(while_frames_move_the_head_tells_of_none),
	    with_home(what_is_half_written_is_no_answer),
	    with_home(a_run_voided_while_at_work_stays_void),
	    with_home(giving_up_leaves_a_head_that_says_so),
	    with_home(what_a_dead_leader_left_in_the_file_is_not_in_the_capsule),
	    cmocka_unit_test(a_full_disk_is_told_at_once),
	    with_home(a_file_that_fails_on_the_way_is_told),
	    cmocka_unit_test(meta_that_could_not_be_built_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
