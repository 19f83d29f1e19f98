/* Files that a run wrote: their names, the list of them, keeping and putting back. */
#include "support.h"

#include "gather.h"
#include "output.h"
#include "restore.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* Every test works in a directory of its own, with the cache beside it. */
static int setup(void **state)
{
	int rc = fixture_setup(state);
	struct fixture *f = *state;
	make_directory(path_in(f, "work"));
	return rc == 0 ? chdir(path_in(f, "work")) : rc;
}

static int teardown(void **state)
{
	return chdir("/") == 0 ? fixture_teardown(state) : -1;
}

#define at_work(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* --- names --- */

static void assert_plain(const char *path, const char *expected)
{
	char plain[PATH_MAX];
	assert_true(output_plain(plain, path));
	assert_string_equal(plain, expected);
}

static void a_path_is_made_plain(void **state)
{
	const struct fixture *f = *state;
	assert_plain("a", "a");
	assert_plain("./a", "a");
	assert_plain("a//b/./c", "a/b/c");
	assert_plain("a/", "a");
	assert_plain("..a/b..", "..a/b..");
	assert_plain(path_in(f, "work/a/b"), "a/b");
	assert_plain(path_in(f, "work//a"), "a");
}

static void what_leads_out_has_no_plain_path(void **state)
{
	const struct fixture *f = *state;
	char plain[PATH_MAX], deep[PATH_MAX + 2];
	const char *out[] = {"", ".", "./", "..", "a/..", "a/../b", "../work/a", "/", "/etc/passwd"};
	for (size_t i = 0; i < sizeof out / sizeof *out; i++)
		assert_false(output_plain(plain, out[i]));
	assert_false(output_plain(plain, path_in(f, "work")));
	assert_false(output_plain(plain, path_in(f, "workshop/a")));
	memset(deep, 'a', sizeof deep);
	for (size_t i = 100; i < sizeof deep; i += 100)
		deep[i] = '/';
	deep[sizeof deep - 1] = '\0';
	assert_false(output_plain(plain, deep));
}

/* --- a list, and one that is not as it ought to be --- */

struct kept {
	struct recorder r;
	struct frames frames;
	int fd;
};

static void begin(struct kept *k, const struct fixture *f, uint64_t limit)
{
	static const struct observations none;
	static const struct capsule start;
	struct buf meta = {0};
	k->fd = open(path_in(f, "capsule"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	capsule_encode_meta(&meta, slice_of("question"), &none, slice_of("label"));
	assert_int_equal(recorder_begin(&k->r, &start, &meta, k->fd, limit, NULL), DPC_OK);
	assert_int_equal(recorder_append(&k->r, STREAM_OUT, "printed", 7, NULL), DPC_OK);
}

static void end(struct kept *k)
{
	assert_int_equal(recorder_finish(&k->r, CAPSULE_DONE, NULL), DPC_OK);
	k->frames = recorder_frames(&k->r);
}

static void release(struct kept *k)
{
	recorder_release(&k->r);
	close(k->fd);
}

/* What gather_keep says of these; NULL ends them. */
static int keep_within(struct kept *k, const struct fixture *f, const char *const *specs, uint64_t limit)
{
	struct gather g = {0};
	begin(k, f, limit);
	for (; *specs; specs++)
		assert_int_equal(gather_spec(&g, *specs, NULL), DPC_OK);
	int rc = gather_keep(&k->r, &g, NULL);
	gather_release(&g);
	end(k);
	return rc;
}

static int keep(struct kept *k, const struct fixture *f, const char *const *specs)
{
	return keep_within(k, f, specs, UINT64_MAX);
}

static int load(const struct capsule *c, const struct frames *f)
{
	struct outputs l = {0};
	int rc = outputs_load(&l, c, f, NULL);
	outputs_release(&l);
	return rc;
}

/* A list with the right sum and this in it. */
static int load_list(struct buf *list, uint64_t contents_size)
{
	struct capsule c = {.flags = CAPSULE_FILES, .contents_size = contents_size, .list_size = list->size};
	struct buf all = {0};
	assert_non_null(buf_reserve(&all, (size_t)contents_size + list->size));
	memset(all.data, 0, (size_t)contents_size);
	all.size = (size_t)contents_size;
	buf_put(&all, list->data, list->size);
	c.list_sum = hash64(list->data, list->size);
	struct frames f = {.memory = slice_of_buf(&all), .fd = -1};
	int rc = load(&c, &f);
	buf_release(&all);
	list->size = 0;
	return rc;
}

static void a_list_comes_back_as_it_was(void **state)
{
	const struct fixture *f = *state;
	struct kept k;
	struct outputs l = {0};
	write_text("b", "content");
	write_text("a", "");
	chmod("a", 0751);
	make_directory("c");
	write_text("c/d\ne", "x");
	assert_int_equal(keep(&k, f, (const char *const[]){"c/*", "b", "a", "./b", NULL}), DPC_OK);
	assert_int_equal(outputs_load(&l, &k.r.capsule, &k.frames, NULL), DPC_OK);
	assert_int_equal(l.count, 3);
	assert_string_equal(l.v[0].path, "a");
	assert_string_equal(l.v[1].path, "b");
	assert_string_equal(l.v[2].path, "c/d\ne");
	assert_int_equal(l.v[0].mode, 0751);
	assert_true(l.v[0].size == 0 && l.v[1].size == 7 && l.v[2].size == 1);
	struct digest sum = hash128("content", 7);
	assert_digests_equal(&l.v[1].sum, &sum);
	assert_int_equal(outputs_check(&k.r.capsule, &k.frames, NULL), DPC_OK);
	/* What was printed is all that counts as output. */
	assert_true(k.r.capsule.output_size == 7 && k.r.capsule.frames_size == 15);
	outputs_release(&l);
	release(&k);
}

static void every_flipped_bit_is_detected(void **state)
{
	const struct fixture *f = *state;
	struct kept k;
	struct buf b = {0};
	write_text("a", "content");
	write_text("b", "more of it");
	assert_int_equal(keep(&k, f, (const char *const[]){"a", "b", NULL}), DPC_OK);
	assert_int_equal(recorder_inline_bytes(&k.r, &b), 0);
	assert_true(b.size == capsule_size(&k.r.capsule));
	struct frames frames = {.memory = {b.data + b.size - capsule_body_size(&k.r.capsule), 0},
	                        .fd = -1,
	                        .size = k.r.capsule.frames_size};
	assert_int_equal(outputs_check(&k.r.capsule, &frames, NULL), DPC_OK);
	size_t from = b.size - (size_t)(k.r.capsule.contents_size + k.r.capsule.list_size);
	for (size_t at = from; at < b.size; at++)
		for (int bit = 0; bit < 8; bit++) {
			b.data[at] ^= (uint8_t)(1 << bit);
			if (outputs_check(&k.r.capsule, &frames, NULL) != DPC_E_CORRUPT)
				fail_msg("byte %zu, bit %d flipped and nothing noticed", at, bit);
			b.data[at] ^= (uint8_t)(1 << bit);
		}
	buf_release(&b);
	release(&k);
}

static void a_file_cut_short_is_detected_at_every_length(void **state)
{
	const struct fixture *f = *state;
	struct kept k;
	write_text("a", "content");
	assert_int_equal(keep(&k, f, (const char *const[]){"a", NULL}), DPC_OK);
	struct frames frames = {
	    .fd = k.fd, .offset = CAPSULE_HEAD + k.r.capsule.meta_size, .size = k.r.capsule.frames_size};
	uint64_t whole = capsule_size(&k.r.capsule);
	assert_int_equal(outputs_check(&k.r.capsule, &frames, NULL), DPC_OK);
	for (uint64_t size = whole; size-- > frames.offset + frames.size;) {
		assert_int_equal(ftruncate(k.fd, (off_t)size), 0);
		assert_int_equal(outputs_check(&k.r.capsule, &frames, NULL), DPC_E_CORRUPT);
	}
	release(&k);
}

static void a_list_that_is_summed_but_leads_out_is_corrupt(void **state)
{
	(void)state;
	static const char *const paths[] = {"", "/etc/passwd", "../a", "a/../../b", "a/./b", "a//b", "a/", "."};
	struct buf b = {0};
	buf_u32(&b, 1);
	output_put(&b, &(struct output){.path = "a"});
	assert_int_equal(load_list(&b, 0), DPC_OK);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		buf_u32(&b, 1);
		output_put(&b, &(struct output){.path = paths[i]});
		assert_int_equal(load_list(&b, 0), DPC_E_CORRUPT);
	}
	buf_release(&b);
}

static void a_list_that_is_summed_but_nonsense_is_corrupt(void **state)
{
	(void)state;
	static const struct output bad[] = {
	    {.path = "b", .mode = 04755},
	    {.path = "b", .at = 11},
	    {.path = "b", .at = 5, .size = 6},
	    {.path = "b", .at = UINT64_MAX, .size = 2},
	    {.path = "a"}, /* twice */
	    {.path = "A"}, /* not in order */
	};
	struct buf b = {0};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		buf_u32(&b, 2);
		output_put(&b, &(struct output){.path = "a"});
		output_put(&b, &bad[i]);
		assert_int_equal(load_list(&b, 10), DPC_E_CORRUPT);
	}
	for (uint32_t count = 0; count < 4; count++) {
		buf_u32(&b, count);
		output_put(&b, &(struct output){.path = "a"});
		output_put(&b, &(struct output){.path = "b", .at = 4, .size = 6});
		assert_int_equal(load_list(&b, 10), count == 2 ? DPC_OK : DPC_E_CORRUPT);
	}
	buf_u32(&b, UINT32_MAX);
	assert_int_equal(load_list(&b, 10), DPC_E_CORRUPT);
	assert_int_equal(load_list(&b, 10), DPC_E_CORRUPT);
	buf_release(&b);
}

/* --- keeping --- */

static void why_files_cannot_be_kept(void **state)
{
	const struct fixture *f = *state;
	static const struct {
		const char *spec;
		int code;
	} cases[] = {
	    {"a", DPC_OK},
	    {"none*", DPC_OK},
	    {"missing", DPC_E_NOTFOUND},
	    {"no/such", DPC_E_NOTFOUND},
	    {"dir", DPC_E_DENIED},
	    {"link", DPC_E_DENIED},
	    {"alias/a", DPC_E_DENIED},
	    {"a/b", DPC_E_DENIED},
	    {"alias/*", DPC_E_DENIED},
	    {"pipe", DPC_E_DENIED},
	    {"large", DPC_E_USAGE},
	};
	write_text("a", "");
	make_directory("dir");
	write_text("dir/a", "");
	assert_int_equal(symlink("a", "link"), 0);
	assert_int_equal(symlink("dir", "alias"), 0);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	write_text("large", "0123");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct kept k;
		int rc = keep_within(&k, f, (const char *const[]){cases[i].spec, NULL}, 10);
		if (rc != cases[i].code)
			fail_msg("%s: %d, not %d", cases[i].spec, rc, cases[i].code);
		assert_int_equal(!!(k.r.capsule.flags & CAPSULE_FILES), rc == DPC_OK);
		/* With files or without, it is a whole capsule. */
		assert_true(capsule_size(&k.r.capsule) == (uint64_t)lseek(k.fd, 0, SEEK_END));
		assert_int_equal(capsule_check_frames(&k.r.capsule, &k.frames, NULL), DPC_OK);
		release(&k);
	}
}

static void files_dropped_leave_a_capsule_without_any(void **state)
{
	/* Small and large: in memory, and in the file alone. */
	const struct fixture *f = *state;
	static uint8_t noise[200000];
	fill_noise(noise, sizeof noise, 1);
	for (size_t size = 100; size <= sizeof noise; size += sizeof noise - 100) {
		struct kept k;
		struct answer a = ANSWER_NONE;
		struct buf got = {0};
		write_file("a", noise, size);
		assert_int_equal(keep(&k, f, (const char *const[]){"a", "missing", NULL}), DPC_E_NOTFOUND);
		assert_int_equal(answer_from_fd(&a, open(path_in(f, "capsule"), O_RDONLY | O_CLOEXEC), NULL), DPC_OK);
		assert_true(capsule_size(&a.capsule) == (uint64_t)lseek(k.fd, 0, SEEK_END));
		assert_int_equal(capsule_check_frames(&a.capsule, &a.frames, NULL), DPC_OK);
		read_frames(&got, &a.frames);
		assert_true(slice_equal(slice_of_buf(&got), slice_of("printed")));
		buf_release(&got);
		answer_release(&a);
		release(&k);
	}
}

static void a_path_that_was_found_is_kept_like_one_that_was_declared(void **state)
{
	const struct fixture *f = *state;
	struct kept k;
	struct gather g = {0};
	write_text("a", "x");
	write_text("b*", "y");
	begin(&k, f, UINT64_MAX);
	assert_int_equal(gather_path(&g, path_in(f, "work/a"), NULL), DPC_OK);
	assert_int_equal(gather_path(&g, "b*", NULL), DPC_OK);
	assert_int_equal(gather_path(&g, path_in(f, "else"), NULL), DPC_E_DENIED);
	assert_int_equal(gather_keep(&k.r, &g, NULL), DPC_OK);
	gather_release(&g);
	end(&k);
	struct outputs l = {0};
	assert_int_equal(outputs_load(&l, &k.r.capsule, &k.frames, NULL), DPC_OK);
	assert_int_equal(l.count, 2);
	assert_string_equal(l.v[1].path, "b*");
	outputs_release(&l);
	release(&k);
}

/* --- putting back --- */

static int put_back(const struct fixture *f, const struct kept *k)
{
	struct digests d;
	digests_init(&d, f->home.fd);
	int rc = restore_outputs(&k->r.capsule, &k->frames, &d, NULL);
	digests_release(&d);
	return rc;
}

static void assert_content(const char *path, const void *data, size_t size)
{
	struct buf b = {0};
	read_file(&b, path);
	assert_true(slice_equal(slice_of_buf(&b), (struct slice){data, size}));
	buf_release(&b);
}

static void all_sizes_come_back_from_memory_and_from_a_file(void **state)
{
	const struct fixture *f = *state;
	static uint8_t noise[300000];
	static const size_t sizes[] = {0, 1, 4095, 4096, 60000, 65535, 65536, 65537, 300000};
	fill_noise(noise, sizeof noise, 2);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct kept k;
		write_file("a", noise, sizes[i]);
		write_file("b", noise + 1, sizes[i] / 2);
		assert_int_equal(keep(&k, f, (const char *const[]){"a", "b", NULL}), DPC_OK);
		unlink("a");
		write_text("b", "else");
		assert_int_equal(put_back(f, &k), DPC_OK);
		assert_content("a", noise, sizes[i]);
		assert_content("b", noise + 1, sizes[i] / 2);
		release(&k);
	}
}

static void damage_is_found_before_anything_is_written(void **state)
{
	const struct fixture *f = *state;
	static uint8_t noise[200000];
	struct kept k;
	write_text("a", "small");
	write_file("b", noise, sizeof noise);
	assert_int_equal(keep(&k, f, (const char *const[]){"a", "b", NULL}), DPC_OK);
	assert_true(k.r.spilled);
	off_t at = (off_t)(k.frames.offset + k.frames.size + k.r.capsule.contents_size - 1);
	assert_int_equal(pwrite(k.fd, "x", 1, at), 1);
	unlink("a");
	unlink("b");
	assert_int_equal(put_back(f, &k), DPC_E_CORRUPT);
	assert_int_equal(count_files(".", NULL), 0);
	/* Nobody cares for what is there anyway. */
	write_file("b", noise, sizeof noise);
	assert_int_equal(put_back(f, &k), DPC_OK);
	assert_content("a", "small", 5);
	release(&k);
}

static void one_that_cannot_be_put_back_leaves_all_as_they_were(void **state)
{
	const struct fixture *f = *state;
	struct kept k;
	make_directory("z");
	write_text("a", "a");
	write_text("z/b", "b");
	assert_int_equal(keep(&k, f, (const char *const[]){"a", "z/b", NULL}), DPC_OK);
	unlink("a");
	unlink("z/b");
	make_directory("z/b");
	assert_int_equal(put_back(f, &k), DPC_E_IO);
	assert_int_equal(rmdir("z/b"), 0);
	assert_int_equal(rmdir("z"), 0);
	assert_int_equal(symlink(f->dir, "z"), 0);
	assert_int_equal(put_back(f, &k), DPC_E_IO);
	assert_int_equal(access("a", F_OK), -1);
	release(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    at_work(a_path_is_made_plain),
	    at_work(what_leads_out_has_no_plain_path),
	    at_work(a_list_comes_back_as_it_was),
	    at_work(every_flipped_bit_is_detected),
	    at_work(a_file_cut_short_is_detected_at_every_length),
	    at_work(a_list_that_is_summed_but_leads_out_is_corrupt),
	    at_work(a_list_that_is_summed_but_nonsense_is_corrupt),
	    at_work(why_files_cannot_be_kept),
	    at_work(files_dropped_leave_a_capsule_without_any),
	    at_work(a_path_that_was_found_is_kept_like_one_that_was_declared),
	    at_work(all_sizes_come_back_from_memory_and_from_a_file),
	    at_work(damage_is_found_before_anything_is_written),
	    at_work(one_that_cannot_be_put_back_leaves_all_as_they_were),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
