/* Reads the output in a capsule's file that is still being written. */
#include "support.h"

#include "os.h"
#include "tail.h"

#include <fcntl.h>
#include <sched.h>

static const struct capsule START = {.pid = 4};

static int scratch(const struct fixture *f)
{
	int fd = open(path_in(f, "scratch"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

/* Used in children: asserts nothing. */
static int begin_in(struct recorder *r, int fd)
{
	static const struct observations none;
	struct buf meta = {0};
	capsule_encode_meta(&meta, slice_of("question"), &none, slice_of("label"));
	return recorder_begin(r, &START, &meta, fd, UINT64_MAX, NULL);
}

struct both {
	struct recorder r;
	struct tail t;
	int fd;
};

static void begin(struct both *b, const struct fixture *f, enum stream only)
{
	b->fd = scratch(f);
	assert_int_equal(begin_in(&b->r, b->fd), DPC_OK);
	tail_init(&b->t, b->fd, only);
}

static void end(struct both *b)
{
	recorder_release(&b->r);
	close(b->fd);
}

static void append(struct both *b, enum stream stream, const void *data, size_t size)
{
	assert_int_equal(recorder_append(&b->r, stream, data, size, NULL), DPC_OK);
}

static void finish(struct both *b)
{
	assert_int_equal(recorder_finish(&b->r, CAPSULE_DONE, NULL), DPC_OK);
}

static void assert_next(struct both *b, enum stream stream, const char *text)
{
	char got[256];
	size_t size;
	enum stream from;
	assert_int_equal(tail_next(&b->t, &from, got, sizeof got, &size, NULL), DPC_OK);
	assert_int_equal(size, strlen(text));
	assert_memory_equal(got, text, size);
	if (size)
		assert_int_equal(from, stream);
}

static void assert_outcome(struct both *b, int expected)
{
	char got[256];
	size_t size;
	enum stream from;
	dpc_error err = {0};
	assert_int_equal(tail_next(&b->t, &from, got, sizeof got, &size, &err), expected);
	assert_int_equal(err.code, expected < 0 ? expected : 0);
	assert_int_equal(size, 0);
}

static void output_is_read_as_it_comes(void **state)
{
	struct both b;
	begin(&b, *state, 0);
	assert_outcome(&b, DPC_MISS);
	append(&b, STREAM_OUT, "one", 3);
	assert_next(&b, STREAM_OUT, "one");
	assert_outcome(&b, DPC_MISS);
	/* The same frame, longer. */
	append(&b, STREAM_OUT, "two", 3);
	assert_next(&b, STREAM_OUT, "two");
	append(&b, STREAM_ERR, "three", 5);
	append(&b, STREAM_OUT, "four", 4);
	assert_next(&b, STREAM_ERR, "three");
	assert_next(&b, STREAM_OUT, "four");
	assert_outcome(&b, DPC_MISS);
	assert_int_equal(b.t.head.state, CAPSULE_BUILDING);
	finish(&b);
	assert_next(&b, 0, "");
	assert_int_equal(b.t.head.state, CAPSULE_DONE);
	/* And stays so. */
	assert_next(&b, 0, "");
	end(&b);
}

static void what_is_complete_already_is_read_as_well(void **state)
{
	struct both b;
	begin(&b, *state, 0);
	append(&b, STREAM_ERR, "a", 1);
	append(&b, STREAM_OUT, "b", 1);
	finish(&b);
	assert_next(&b, STREAM_ERR, "a");
	assert_next(&b, STREAM_OUT, "b");
	assert_next(&b, 0, "");
	end(&b);
}

static void silence_ends_at_once(void **state)
{
	struct both b;
	begin(&b, *state, 0);
	assert_outcome(&b, DPC_MISS);
	finish(&b);
	assert_next(&b, 0, "");
	end(&b);
}

static void one_stream_may_be_read_without_the_other(void **state)
{
	struct both b;
	begin(&b, *state, STREAM_ERR);
	append(&b, STREAM_OUT, "out", 3);
	assert_outcome(&b, DPC_MISS);
	append(&b, STREAM_ERR, "err", 3);
	append(&b, STREAM_OUT, "more", 4);
	append(&b, STREAM_ERR, "again", 5);
	append(&b, STREAM_OUT, "last", 4);
	assert_next(&b, STREAM_ERR, "err");
	assert_next(&b, STREAM_ERR, "again");
	assert_outcome(&b, DPC_MISS);
	finish(&b);
	assert_next(&b, 0, "");
	end(&b);
}

static void a_file_without_a_head_has_nothing_yet(void **state)
{
	struct fixture *f = *state;
	struct both b = {.fd = scratch(f)};
	tail_init(&b.t, b.fd, 0);
	assert_outcome(&b, DPC_MISS);
	/* Half of one, as of a leader who died over it. */
	assert_int_equal(write(b.fd, "DPCAPSUL", 8), 8);
	assert_outcome(&b, DPC_MISS);
	close(b.fd);
}

static void a_torn_head_takes_nothing_back(void **state)
{
	static const uint8_t garbage[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	uint8_t intact[8];
	struct both b;
	begin(&b, *state, 0);
	append(&b, STREAM_OUT, "first", 5);
	assert_next(&b, STREAM_OUT, "first");
	append(&b, STREAM_OUT, "second", 6);
	assert_int_equal(pread(b.fd, intact, sizeof intact, 100), sizeof intact);
	assert_int_equal(pwrite(b.fd, garbage, sizeof garbage, 100), sizeof garbage);
	assert_outcome(&b, DPC_MISS);
	assert_int_equal(pwrite(b.fd, intact, sizeof intact, 100), sizeof intact);
	assert_next(&b, STREAM_OUT, "second");
	end(&b);
}

static void a_reader_in_the_middle_of_a_frame_follows_it_over_the_spill(void **state)
{
	static uint8_t noise[CAPSULE_INLINE], got[sizeof noise];
	struct both b;
	enum stream from;
	size_t size, have = 0;
	fill_noise(noise, sizeof noise, 1);
	begin(&b, *state, 0);
	append(&b, STREAM_OUT, noise, 30000);
	/* It knows now, from the head, of 20000 bytes more where they lay. */
	assert_int_equal(tail_next(&b.t, &from, got, 10000, &have, NULL), DPC_OK);
	assert_int_equal(have, 10000);
	append(&b, STREAM_OUT, noise + 30000, sizeof noise - 30000);
	assert_true(b.r.spilled);
	finish(&b);
	while (have < sizeof got) {
		assert_int_equal(tail_next(&b.t, &from, got + have, sizeof got - have, &size, NULL), DPC_OK);
		assert_true(size > 0);
		have += size;
	}
	assert_memory_equal(got, noise, sizeof noise);
	assert_next(&b, 0, "");
	end(&b);
}

static void a_frames_word_of_before_is_not_believed(void **state)
{
	/* The frame at the end ends where the head says: while it grows, its word
	 * may read as anything. */
	static const uint8_t half[7] = {0};
	struct both b;
	begin(&b, *state, 0);
	append(&b, STREAM_OUT, "grows", 5);
	off_t at = (off_t)(CAPSULE_HEAD + b.r.meta.size) + 1;
	assert_int_equal(pwrite(b.fd, half, sizeof half, at), sizeof half);
	assert_next(&b, STREAM_OUT, "grows");
	append(&b, STREAM_OUT, " on", 3);
	assert_next(&b, STREAM_OUT, " on");
	finish(&b);
	assert_next(&b, 0, "");
	end(&b);
}

static void a_run_given_up_is_told_and_its_state_said(void **state)
{
	struct both b;
	begin(&b, *state, 0);
	append(&b, STREAM_OUT, "text", 4);
	recorder_give_up(&b.r, CAPSULE_GIVEN_UP);
	assert_outcome(&b, DPC_E_NOTFOUND);
	assert_int_equal(b.t.head.state, CAPSULE_GIVEN_UP);
	end(&b);
	/* In the middle of it, with more known to come. */
	begin(&b, *state, 0);
	append(&b, STREAM_OUT, "text", 4);
	char byte;
	size_t size;
	enum stream from;
	assert_int_equal(tail_next(&b.t, &from, &byte, 1, &size, NULL), DPC_OK);
	recorder_give_up(&b.r, CAPSULE_ELSEWHERE);
	assert_outcome(&b, DPC_E_NOTFOUND);
	assert_int_equal(b.t.head.state, CAPSULE_ELSEWHERE);
	end(&b);
}

static void flip(int fd, off_t at)
{
	uint8_t byte;
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 64;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

/* What reading on ends with, once every byte was damaged in turn. */
static void any_damage_to_the_frames_is_found_by_the_end(void **state)
{
	struct both b;
	begin(&b, *state, 0);
	append(&b, STREAM_OUT, "some", 4);
	append(&b, STREAM_ERR, "output", 6);
	finish(&b);
	off_t from = (off_t)(CAPSULE_HEAD + b.r.meta.size), to = from + (off_t)b.r.capsule.frames_size;
	for (off_t at = from; at < to; at++) {
		char got[64];
		enum stream stream;
		size_t size;
		int rc;
		flip(b.fd, at);
		tail_init(&b.t, b.fd, 0);
		do
			rc = tail_next(&b.t, &stream, got, sizeof got, &size, NULL);
		while (rc == DPC_OK && size);
		/* The last word's size is not needed: what it says harms nobody. */
		if (at <= to - 14 || at > to - 7)
			assert_int_equal(rc, DPC_E_CORRUPT);
		flip(b.fd, at);
	}
	end(&b);
}

static void a_file_cut_short_is_damaged(void **state)
{
	struct both b;
	begin(&b, *state, 0);
	append(&b, STREAM_OUT, "some output", 11);
	finish(&b);
	assert_int_equal(ftruncate(b.fd, lseek(b.fd, 0, SEEK_END) - 1), 0);
	assert_outcome(&b, DPC_E_CORRUPT);
	end(&b);
}

static void a_later_versions_capsule_is_told(void **state)
{
	struct both b;
	begin(&b, *state, 0);
	assert_int_equal(pwrite(b.fd, "\xff", 1, 8), 1);
	assert_outcome(&b, DPC_E_VERSION);
	end(&b);
}

static void what_cannot_be_read_is_an_error(void **state)
{
	(void)state;
	struct both b;
	tail_init(&b.t, -1, 0);
	assert_outcome(&b, DPC_E_IO);
}

/* --- with a writer at work beside --- */

enum { LONG = CAPSULE_INLINE * 2 };

static struct {
	uint8_t noise[LONG];
	size_t step;
	int fd;
} work;

/* The piece that begins at `at`: derived from the noise, so that both sides
 * know it. */
static size_t piece_at(enum stream *stream, size_t at)
{
	size_t size = work.noise[at] * work.step + 1;
	*stream = work.noise[at] & 2 ? STREAM_OUT : STREAM_ERR;
	return size < LONG - at ? size : LONG - at;
}

static int write_all(void *context)
{
	(void)context;
	struct recorder r;
	enum stream stream;
	int rc = begin_in(&r, work.fd);
	for (size_t at = 0, size; rc == DPC_OK && at < LONG; at += size) {
		size = piece_at(&stream, at);
		rc = recorder_append(&r, stream, work.noise + at, size, NULL);
	}
	return rc == DPC_OK ? -recorder_finish(&r, CAPSULE_DONE, NULL) : 1;
}

/* Everything, in order, from the stream it was written to. */
static void assert_reads_all(int fd, enum stream only, size_t room)
{
	static uint8_t got[CAPSULE_INLINE];
	struct tail t;
	enum stream stream, expected = 0;
	size_t size, at = 0, left = 0;
	tail_init(&t, fd, only);
	for (;;) {
		int rc = tail_next(&t, &stream, got, room, &size, NULL);
		if (rc == DPC_MISS) {
			sched_yield();
			continue;
		}
		assert_int_equal(rc, DPC_OK);
		if (!size)
			break;
		for (size_t i = 0; i < size; left--) {
			assert_true(at < LONG);
			if (!left)
				left = piece_at(&expected, at);
			if (!only || expected == only) {
				assert_int_equal(stream, expected);
				assert_int_equal(got[i++], work.noise[at]);
			}
			at++;
		}
	}
	assert_true(only || at == LONG);
	assert_true(t.head.output_size == LONG);
}

static void a_reader_beside_the_writer_sees_every_byte_in_order(void **state)
{
	struct fixture *f = *state;
	static const size_t steps[] = {1, 9, 40, 250};
	static const size_t rooms[] = {7, 1000, CAPSULE_INLINE};
	static const enum stream filters[] = {0, STREAM_OUT, STREAM_ERR};
	for (size_t round = 0; round < 144; round++) {
		fill_noise(work.noise, sizeof work.noise, round);
		work.step = steps[round % 4];
		work.fd = scratch(f);
		pid_t pid = child_start(write_all, NULL);
		assert_reads_all(work.fd, filters[round / 4 % 3], rooms[round / 12 % 3]);
		assert_int_equal(child_wait(pid), 0);
		close(work.fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(output_is_read_as_it_comes),
	    with_home(what_is_complete_already_is_read_as_well),
	    with_home(silence_ends_at_once),
	    with_home(one_stream_may_be_read_without_the_other),
	    with_home(a_file_without_a_head_has_nothing_yet),
	    with_home(a_torn_head_takes_nothing_back),
	    with_home(a_reader_in_the_middle_of_a_frame_follows_it_over_the_spill),
	    with_home(a_frames_word_of_before_is_not_believed),
	    with_home(a_run_given_up_is_told_and_its_state_said),
	    with_home(any_damage_to_the_frames_is_found_by_the_end),
	    with_home(a_file_cut_short_is_damaged),
	    with_home(a_later_versions_capsule_is_told),
	    cmocka_unit_test(what_cannot_be_read_is_an_error),
	    with_home(a_reader_beside_the_writer_sees_every_byte_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
