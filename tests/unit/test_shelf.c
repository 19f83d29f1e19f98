/* The hot capsules as plain files. */
#include "support.h"

#include "shelf.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static struct observations NONE;

/* A capsule under the key `name`, of about `size` bytes of output. */
static void make_capsule(struct buf *out, const char *name, size_t size)
{
	struct capsule c = {.key = digest_named(name), .generation = 1};
	char *text = malloc(size + 1);
	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = '\0';
	const struct piece pieces[] = {{STREAM_OUT, text}, {STREAM_ERR, name}, {0, NULL}};
	build_capsule(out, &c, slice_of("question"), &NONE, pieces);
	free(text);
}

/* Lay down a capsule that is whole, without observations. */
static int lay_down(const struct fixture *f, const struct digest *question, struct slice capsule)
{
	struct shelf_item item = {.observed = &NONE, .capsule = capsule};
	return shelf_put(&f->home, question, &item);
}

static void put(const struct fixture *f, const struct digest *question, const char *name, size_t size)
{
	struct buf b = {0};
	make_capsule(&b, name, size);
	lay_down(f, question, slice_of_buf(&b));
	buf_release(&b);
}

/* Is this variant, byte for byte, what make_capsule makes? */
static bool is_variant(const struct shelf_variant *v, const char *name, size_t size)
{
	struct buf b = {0};
	make_capsule(&b, name, size);
	bool same = slice_equal(v->capsule_bytes, slice_of_buf(&b)) && !v->file.size && !v->tuple_count;
	buf_release(&b);
	return same;
}

static void assert_next(struct shelf *s, const char *name)
{
	struct shelf_variant v;
	assert_true(shelf_next(s, &v));
	assert_true(is_variant(&v, name, 10));
}

static void assert_end(struct shelf *s)
{
	struct shelf_variant v;
	assert_false(shelf_next(s, &v));
	assert_false(s->damaged);
	shelf_release(s);
}

/* The file of a question; `q` begins with what names its directory. */
static const char *file_of(const struct fixture *f, const struct digest *q)
{
	char hex[DIGEST_HEX], name[64];
	digest_hex(hex, q);
	snprintf(name, sizeof name, "shelf/%.2s/%s", hex, hex + 2);
	return path_at_home(f, name);
}

static void what_was_laid_down_is_there(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct shelf s = {0};
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_MISS);
	shelf_release(&s);
	put(f, &q, "a", 10);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_OK);
	struct shelf_variant v;
	assert_true(shelf_next(&s, &v));
	assert_true(is_variant(&v, "a", 10));
	struct digest key = digest_named("a");
	assert_digests_equal(&v.capsule.key, &key);
	assert_true(slice_equal(v.meta.question, slice_of("question")));
	assert_end(&s);
	struct digest other = digest_named("other");
	assert_int_equal(shelf_load(&s, &f->home, &other), DPC_MISS);
}

static void tuples_and_the_name_of_a_file_come_along(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct observations o = {0};
	struct digests d;
	struct buf b = {0};
	struct capsule c = {.key = digest_named("a")};
	struct tuple file = {1, 2, 3, 4, 5, 6}, got;
	static const struct piece pieces[] = {{STREAM_OUT, "far away"}, {0, NULL}};
	digests_init(&d, f->home.fd);
	write_text(path_in(f, "x"), "x");
	assert_int_equal(observe_input(&o, &d, path_in(f, "x"), NULL), DPC_OK);
	assert_int_equal(observe_input(&o, &d, path_in(f, "y"), NULL), DPC_OK);
	build_capsule(&b, &c, slice_of("question"), &o, pieces);
	assert_int_equal(capsule_decode_head(&c, b.data, b.size, NULL), DPC_OK);
	/* Only head and meta: the frames are in the file. */
	struct slice start = {b.data, CAPSULE_HEAD + c.meta_size};
	struct shelf_item item = {.observed = &o, .capsule = start, .file = "data/ab/cd", .file_tuple = file};
	assert_int_equal(shelf_put(&f->home, &q, &item), DPC_OK);
	struct shelf s = {0};
	struct shelf_variant v;
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_OK);
	assert_true(shelf_next(&s, &v));
	assert_true(slice_equal(v.file, slice_of("data/ab/cd")));
	assert_true(tuple_same(&v.file_tuple, &file) && v.file_tuple.seen == 6);
	assert_true(slice_equal(v.capsule_bytes, start));
	assert_int_equal(v.tuple_count, 2);
	struct cursor tuples = {v.tuples.data, v.tuples.data + v.tuples.size, false};
	for (size_t i = 0; i < 2; i++) {
		tuple_get(&tuples, &got);
		assert_true(tuple_same(&got, &o.v[i].tuple) && got.seen == o.v[i].tuple.seen);
	}
	assert_end(&s);
	buf_release(&b);
	observations_release(&o);
	digests_release(&d);
}

static void a_capsule_that_is_neither_whole_nor_elsewhere_is_not_believed(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct buf b = {0};
	struct shelf s = {0};
	struct shelf_variant v;
	make_capsule(&b, "a", 10);
	struct slice cut = {b.data, b.size - 1};
	lay_down(f, &q, cut);
	if (shelf_load(&s, &f->home, &q) == DPC_OK)
		assert_false(shelf_next(&s, &v));
	shelf_release(&s);
	buf_release(&b);
}

static void variants_come_newest_first(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct shelf s = {0};
	put(f, &q, "a", 10);
	put(f, &q, "b", 10);
	put(f, &q, "c", 10);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_OK);
	assert_next(&s, "c");
	assert_next(&s, "b");
	assert_next(&s, "a");
	assert_end(&s);
}

static void a_variant_of_the_same_key_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct shelf s = {0};
	put(f, &q, "a", 20);
	put(f, &q, "b", 10);
	put(f, &q, "a", 10);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_OK);
	assert_next(&s, "a");
	assert_next(&s, "b");
	assert_end(&s);
}

static void the_number_of_variants_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct shelf s = {0};
	struct shelf_variant v;
	char name[16];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "v%d", i);
		put(f, &q, name, 10);
	}
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_OK);
	int count = 0;
	for (; shelf_next(&s, &v); count++) {
		snprintf(name, sizeof name, "v%d", 99 - count);
		assert_true(is_variant(&v, name, 10));
	}
	assert_in_range(count, 2, 16);
	shelf_release(&s);
}

static void what_was_removed_is_gone(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q"), other = digest_named("other");
	struct shelf s = {0};
	put(f, &q, "a", 10);
	put(f, &q, "b", 10);
	put(f, &other, "c", 10);
	shelf_remove(&f->home, &q);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_MISS);
	shelf_release(&s);
	assert_int_equal(shelf_load(&s, &f->home, &other), DPC_OK);
	assert_next(&s, "c");
	assert_end(&s);
	/* Again is no harm. */
	shelf_remove(&f->home, &q);
}

static void a_reader_keeps_what_it_has_loaded(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct shelf s = {0};
	put(f, &q, "a", 10);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_OK);
	put(f, &q, "b", 10);
	shelf_remove(&f->home, &q);
	assert_next(&s, "a");
	assert_end(&s);
}

/* Nothing that comes off a damaged file may differ from what was laid down. */
static void assert_no_wrong_answer(const struct fixture *f, const struct digest *q, const char *how,
                                   size_t at)
{
	struct shelf s = {0};
	struct shelf_variant v;
	if (shelf_load(&s, &f->home, q) == DPC_OK)
		while (shelf_next(&s, &v))
			if (!is_variant(&v, "a", 10) && !is_variant(&v, "b", 10))
				fail_msg("%s at byte %zu: a wrong answer", how, at);
	shelf_release(&s);
}

static void no_flipped_bit_gives_a_wrong_answer(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct buf b = {0};
	put(f, &q, "a", 10);
	put(f, &q, "b", 10);
	read_file(&b, file_of(f, &q));
	int fd = open(file_of(f, &q), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t at = 0; at < b.size; at++) {
		for (int bit = 0; bit < 8; bit++) {
			uint8_t flipped = b.data[at] ^ (uint8_t)(1 << bit);
			assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
			assert_no_wrong_answer(f, &q, "flipped", at);
		}
		assert_int_equal(pwrite(fd, &b.data[at], 1, (off_t)at), 1);
	}
	close(fd);
	buf_release(&b);
}

static void no_file_cut_short_gives_a_wrong_answer(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct buf b = {0};
	put(f, &q, "a", 10);
	put(f, &q, "b", 10);
	read_file(&b, file_of(f, &q));
	for (size_t size = b.size; size-- > 0;) {
		assert_int_equal(truncate(file_of(f, &q), (off_t)size), 0);
		assert_no_wrong_answer(f, &q, "cut", size);
	}
	buf_release(&b);
}

static void a_variant_behind_a_damaged_one_is_given_up_with_it(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct shelf s = {0};
	struct shelf_variant v;
	put(f, &q, "a", 10);
	put(f, &q, "b", 10);
	int fd = open(file_of(f, &q), O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "\xff", 1, 40), 1);
	close(fd);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_OK);
	assert_false(shelf_next(&s, &v));
	assert_true(s.damaged);
	shelf_release(&s);
	/* Laying down anew mends it. */
	s = (struct shelf){0};
	put(f, &q, "b", 10);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_OK);
	assert_next(&s, "b");
	assert_end(&s);
}

/* --- a run's own file --- */

/* A run that has recorded `name` in a file of its own: a descriptor of it. */
static int record_run(const struct fixture *f, const char *path, struct buf *capsule, const char *name)
{
	make_capsule(capsule, name, 10);
	int fd = home_open_file(&f->home, path, O_RDWR | O_CREAT);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, capsule->data, capsule->size, 0), capsule->size);
	return fd;
}

static void the_file_of_a_run_becomes_the_questions_file(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct buf b = {0};
	struct shelf s = {0};
	int fd = record_run(f, "locks/run", &b, "a");
	ino_t run = inode_of(path_at_home(f, "locks/run"));
	struct shelf_item item = {
	    .observed = &NONE, .capsule = slice_of_buf(&b), .run_name = "locks/run", .run_fd = fd};
	put(f, &q, "a", 20);
	assert_int_equal(shelf_put(&f->home, &q, &item), DPC_OK);
	assert_int_equal(inode_of(path_at_home(f, "locks/run")), 0);
	assert_int_equal(inode_of(file_of(f, &q)), run);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_OK);
	assert_next(&s, "a");
	assert_end(&s);
	close(fd);
	buf_release(&b);
}

static void the_file_of_a_run_stays_where_there_are_other_variants(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct buf b = {0};
	struct shelf s = {0};
	int fd = record_run(f, "locks/run", &b, "a");
	struct shelf_item item = {
	    .observed = &NONE, .capsule = slice_of_buf(&b), .run_name = "locks/run", .run_fd = fd};
	put(f, &q, "b", 10);
	assert_int_equal(shelf_put(&f->home, &q, &item), DPC_OK);
	assert_int_not_equal(inode_of(path_at_home(f, "locks/run")), 0);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_OK);
	assert_next(&s, "a");
	assert_next(&s, "b");
	assert_end(&s);
	close(fd);
	buf_release(&b);
}

static void what_others_put_under_the_name_of_a_run_is_not_taken(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct buf b = {0}, other = {0};
	struct shelf s = {0};
	int fd = record_run(f, "locks/run", &b, "a");
	assert_int_equal(unlink(path_at_home(f, "locks/run")), 0);
	close(record_run(f, "locks/run", &other, "b"));
	struct shelf_item item = {
	    .observed = &NONE, .capsule = slice_of_buf(&b), .run_name = "locks/run", .run_fd = fd};
	assert_int_equal(shelf_put(&f->home, &q, &item), DPC_OK);
	assert_int_not_equal(inode_of(path_at_home(f, "locks/run")), 0);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_OK);
	assert_next(&s, "a");
	assert_end(&s);
	close(fd);
	buf_release(&b);
	buf_release(&other);
}

static void what_is_no_file_is_a_miss(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct shelf s = {0};
	put(f, &q, "a", 10);
	assert_int_equal(rename(file_of(f, &q), path_in(f, "elsewhere")), 0);
	assert_int_equal(symlink(path_in(f, "elsewhere"), file_of(f, &q)), 0);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_MISS);
	assert_int_equal(unlink(file_of(f, &q)), 0);
	write_text(file_of(f, &q), "");
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_MISS);
	assert_int_equal(unlink(file_of(f, &q)), 0);
	make_directory(file_of(f, &q));
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_MISS);
	shelf_release(&s);
}

static void too_large_a_variant_is_not_shelved_and_leaves_no_older_one(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct shelf s = {0};
	put(f, &q, "a", 10);
	/* What is inline is small; but a label and a list of inputs need not be. */
	struct buf b = {0};
	struct capsule c = {.key = digest_named("a")};
	static char large[2 << 20];
	memset(large, 'q', sizeof large - 1);
	static const struct piece silent[] = {{0, NULL}};
	build_capsule(&b, &c, slice_of(large), &NONE, silent);
	lay_down(f, &q, slice_of_buf(&b));
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_MISS);
	shelf_release(&s);
	buf_release(&b);
}

/* --- bounds of a directory --- */

enum { FILES_BOUND = 64 };
static const uint64_t BYTES_BOUND = 2 << 20;

/* Questions of one directory. */
static struct digest neighbour(uint32_t i)
{
	struct digest d = {{0x42}};
	memcpy(d.bytes + 1, &i, sizeof i);
	return d;
}

/* Everything there so far was written long ago, in the order of `i`. */
static void make_older(const struct fixture *f, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct digest q = neighbour(i);
		struct timespec times[2] = {{1000 + i, 0}, {1000 + i, 0}};
		utimensat(AT_FDCWD, file_of(f, &q), times, 0);
	}
}

static bool is_shelved(const struct fixture *f, uint32_t i)
{
	struct digest q = neighbour(i);
	return access(file_of(f, &q), F_OK) == 0;
}

static void the_number_of_files_in_a_directory_is_bounded(void **state)
{
	struct fixture *f = *state;
	for (uint32_t i = 0; i < 300; i++) {
		struct digest q = neighbour(i);
		put(f, &q, "a", 10);
		assert_true(count_files(path_at_home(f, "shelf/42"), NULL) <= FILES_BOUND);
	}
}

static void what_was_written_longest_ago_goes_first(void **state)
{
	struct fixture *f = *state;
	for (uint32_t i = 0; i < FILES_BOUND; i++) {
		struct digest q = neighbour(i);
		put(f, &q, "a", 10);
	}
	make_older(f, FILES_BOUND);
	for (uint32_t i = FILES_BOUND; i < FILES_BOUND + 10; i++) {
		struct digest q = neighbour(i);
		put(f, &q, "a", 10);
		assert_true(is_shelved(f, i));
		assert_false(is_shelved(f, i - FILES_BOUND));
		assert_true(is_shelved(f, i - FILES_BOUND + 1));
		make_older(f, i + 1);
	}
}

static void the_bytes_in_a_directory_are_bounded(void **state)
{
	struct fixture *f = *state;
	for (uint32_t i = 0; i < 60; i++) {
		struct digest q = neighbour(i);
		uint64_t bytes = 0;
		make_older(f, i);
		put(f, &q, "a", 60000);
		count_files(path_at_home(f, "shelf/42"), &bytes);
		assert_true(bytes <= BYTES_BOUND);
		assert_true(is_shelved(f, i));
	}
}

static void files_that_grow_are_bounded_too(void **state)
{
	/* Each was small when it was new; then their questions got more, and
	 * larger, variants. */
	struct fixture *f = *state;
	for (uint32_t i = 0; i < FILES_BOUND; i++) {
		struct digest q = neighbour(i);
		put(f, &q, "a", 10);
	}
	for (uint32_t i = 0; i < FILES_BOUND; i++) {
		struct digest q = neighbour(i);
		put(f, &q, "b", 60000);
		put(f, &q, "c", 60000);
	}
	uint64_t bytes = 0;
	count_files(path_at_home(f, "shelf/42"), &bytes);
	if (bytes > BYTES_BOUND)
		fail_msg("%llu bytes in one directory", (unsigned long long)bytes);
}

static void no_temporary_file_is_left(void **state)
{
	struct fixture *f = *state;
	struct digest q = neighbour(1);
	for (int i = 0; i < 3; i++)
		put(f, &q, "a", 10);
	assert_int_equal(count_files(path_at_home(f, "shelf"), NULL), 1);
}

static void the_shelf_may_be_taken_away_at_any_time(void **state)
{
	struct fixture *f = *state;
	struct digest q = digest_named("q");
	struct shelf s = {0};
	put(f, &q, "a", 10);
	char dir[PATH_MAX];
	snprintf(dir, sizeof dir, "%s", file_of(f, &q));
	assert_int_equal(unlink(dir), 0);
	*strrchr(dir, '/') = '\0';
	assert_int_equal(rmdir(dir), 0);
	*strrchr(dir, '/') = '\0';
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_MISS);
	put(f, &q, "a", 10);
	assert_int_equal(shelf_load(&s, &f->home, &q), DPC_OK);
	assert_next(&s, "a");
	assert_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(what_was_laid_down_is_there),
	    with_home(tuples_and_the_name_of_a_file_come_along),
	    with_home(a_capsule_that_is_neither_whole_nor_elsewhere_is_not_believed),
	    with_home(variants_come_newest_first),
	    with_home(a_variant_of_the_same_key_is_replaced),
	    with_home(the_number_of_variants_is_bounded),
	    with_home(what_was_removed_is_gone),
	    with_home(a_reader_keeps_what_it_has_loaded),
	    with_home(no_flipped_bit_gives_a_wrong_answer),
	    with_home(no_file_cut_short_gives_a_wrong_answer),
	    with_home(a_variant_behind_a_damaged_one_is_given_up_with_it),
	    with_home(the_file_of_a_run_becomes_the_questions_file),
	    with_home(the_file_of_a_run_stays_where_there_are_other_variants),
	    with_home(what_others_put_under_the_name_of_a_run_is_not_taken),
	    with_home(what_is_no_file_is_a_miss),
	    with_home(too_large_a_variant_is_not_shelved_and_leaves_no_older_one),
	    with_home(the_number_of_files_in_a_directory_is_bounded),
	    with_home(what_was_written_longest_ago_goes_first),
	    with_home(the_bytes_in_a_directory_are_bounded),
	    with_home(files_that_grow_are_bounded_too),
	    with_home(no_temporary_file_is_left),
	    with_home(the_shelf_may_be_taken_away_at_any_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
