/* The stat cache. */
#include "support.h"

#include "digests.h"

#include <fcntl.h>
#include <sys/stat.h>

#define SECOND INT64_C(1000000000)

static struct tuple tuple_numbered(uint64_t ino)
{
	return (struct tuple){
	    .dev = 5, .ino = ino, .size = 10, .mtime = SECOND, .ctime = SECOND, .seen = 100 * SECOND};
}

static struct digest digest_numbered(uint64_t n)
{
	return hash128(&n, sizeof n);
}

static void note(struct digests *d, uint64_t n)
{
	struct tuple t = tuple_numbered(n);
	struct digest digest = digest_numbered(n);
	digests_note(d, &t, &digest);
}

static bool knows(struct digests *d, uint64_t n)
{
	struct tuple t = tuple_numbered(n);
	struct digest expected = digest_numbered(n), found;
	if (!digests_find(d, &t, &found))
		return false;
	assert_digests_equal(&found, &expected);
	return true;
}

static void what_was_noted_is_found_by_whoever_opens_it_next(void **state)
{
	struct fixture *f = *state;
	struct digests d;
	digests_init(&d, f->home.fd);
	assert_false(knows(&d, 1));
	note(&d, 1);
	assert_true(knows(&d, 1));
	assert_false(knows(&d, 2));
	digests_release(&d);
	digests_init(&d, f->home.fd);
	assert_true(knows(&d, 1));
	digests_release(&d);
}

static void another_tuple_is_another_content(void **state)
{
	struct fixture *f = *state;
	struct digests d;
	struct digest found;
	digests_init(&d, f->home.fd);
	note(&d, 1);
	struct tuple t = tuple_numbered(1);
	t.size++;
	assert_false(digests_find(&d, &t, &found));
	t = tuple_numbered(1), t.mtime++;
	assert_false(digests_find(&d, &t, &found));
	t = tuple_numbered(1), t.ctime++;
	assert_false(digests_find(&d, &t, &found));
	t = tuple_numbered(1), t.ino++;
	assert_false(digests_find(&d, &t, &found));
	t = tuple_numbered(1), t.dev++;
	assert_false(digests_find(&d, &t, &found));
	digests_release(&d);
}

static void a_newer_state_of_a_file_replaces_the_older(void **state)
{
	struct fixture *f = *state;
	struct digests d;
	struct digest digest = digest_named("new"), found;
	digests_init(&d, f->home.fd);
	note(&d, 1);
	struct tuple t = tuple_numbered(1);
	t.size = 11;
	t.ctime += SECOND;
	digests_note(&d, &t, &digest);
	assert_true(digests_find(&d, &t, &found));
	assert_digests_equal(&found, &digest);
	assert_false(knows(&d, 1));
	digests_release(&d);
}

static void a_racy_tuple_is_never_stored(void **state)
{
	struct fixture *f = *state;
	struct digests d;
	struct digest digest = digest_named("x"), found;
	struct tuple t = tuple_numbered(1);
	digests_init(&d, f->home.fd);
	t.seen = t.ctime + SECOND;
	digests_note(&d, &t, &digest);
	assert_false(digests_find(&d, &t, &found));
	/* Nor does a later look make it sound. */
	t.seen = t.ctime + 10 * SECOND;
	assert_false(digests_find(&d, &t, &found));
	t.seen = 0;
	digests_note(&d, &t, &digest);
	t.seen = t.ctime + 10 * SECOND;
	assert_false(digests_find(&d, &t, &found));
	digests_release(&d);
}

static void a_torn_slot_is_a_file_to_be_read_once_more(void **state)
{
	struct fixture *f = *state;
	struct digests d;
	struct buf bytes = {0};
	digests_init(&d, f->home.fd);
	note(&d, 1);
	const char *path = path_at_home(f, "digests");
	read_file(&bytes, path);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	enum { SLOT = TUPLE_SIZE + 16 + 8 };
	for (size_t at = bytes.size - SLOT; at < bytes.size; at++)
		for (int bit = 0; bit < 8; bit++) {
			uint8_t flipped = bytes.data[at] ^ (uint8_t)(1 << bit);
			assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
			assert_false(knows(&d, 1));
			assert_int_equal(pwrite(fd, &bytes.data[at], 1, (off_t)at), 1);
		}
	assert_true(knows(&d, 1));
	/* Cut at every length, the file lacks it; and it can be noted again. */
	for (size_t size = bytes.size - 1; size >= bytes.size - SLOT; size--) {
		assert_int_equal(ftruncate(fd, (off_t)size), 0);
		assert_false(knows(&d, 1));
	}
	note(&d, 1);
	assert_true(knows(&d, 1));
	close(fd);
	buf_release(&bytes);
	digests_release(&d);
}

/* Inodes that share one set, found without knowing how a set is chosen: in an
 * empty file, the size after a note tells where it went. */
static void find_five_of_one_set(uint64_t inos[5], const char *path, struct digests *d)
{
	enum { PLACES = 65536, SLOT = TUPLE_SIZE + 16 + 8 };
	static uint64_t seen[PLACES][5];
	static uint8_t count[PLACES];
	struct stat st;
	memset(count, 0, sizeof count);
	for (uint64_t ino = 1;; ino++) {
		assert_int_equal(truncate(path, 0), 0);
		note(d, ino);
		assert_int_equal(stat(path, &st), 0);
		size_t place = (size_t)st.st_size / SLOT % PLACES;
		seen[place][count[place]++] = ino;
		if (count[place] == 5) {
			memcpy(inos, seen[place], sizeof seen[place]);
			assert_int_equal(truncate(path, 0), 0);
			return;
		}
	}
}

static void a_full_set_forgets_what_was_seen_longest_ago(void **state)
{
	struct fixture *f = *state;
	struct digests d;
	uint64_t inos[5];
	struct tuple t[5];
	struct digest digest[5], found;
	digests_init(&d, f->home.fd);
	note(&d, 1);
	find_five_of_one_set(inos, path_at_home(f, "digests"), &d);
	static const int64_t seen[5] = {50, 30, 40, 60, 70};
	for (int i = 0; i < 5; i++) {
		t[i] = tuple_numbered(inos[i]);
		t[i].seen = seen[i] * SECOND;
		digest[i] = digest_numbered(inos[i]);
	}
	for (int i = 0; i < 4; i++)
		digests_note(&d, &t[i], &digest[i]);
	for (int i = 0; i < 4; i++)
		assert_true(digests_find(&d, &t[i], &found));
	digests_note(&d, &t[4], &digest[4]);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(digests_find(&d, &t[i], &found), i != 1);
		if (i != 1)
			assert_digests_equal(&found, &digest[i]);
	}
	digests_release(&d);
}

static void a_slot_that_went_bad_is_used_before_a_good_one(void **state)
{
	struct fixture *f = *state;
	struct digests d;
	uint64_t inos[5];
	digests_init(&d, f->home.fd);
	note(&d, 1);
	const char *path = path_at_home(f, "digests");
	find_five_of_one_set(inos, path, &d);
	for (int i = 0; i < 4; i++)
		note(&d, inos[i]);
	/* The last of the four lies at the end of the file. */
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 1), 0);
	assert_false(knows(&d, inos[3]));
	note(&d, inos[4]);
	for (int i = 0; i < 5; i++)
		assert_int_equal(knows(&d, inos[i]), i != 3);
	digests_release(&d);
}

static void however_much_is_noted_the_file_stays_bounded(void **state)
{
	struct fixture *f = *state;
	struct digests d;
	struct stat st;
	digests_init(&d, f->home.fd);
	for (uint64_t n = 0; n < 100000; n++)
		note(&d, n);
	assert_true(knows(&d, 99999));
	assert_int_equal(stat(path_at_home(f, "digests"), &st), 0);
	assert_true(st.st_size <= 8 << 20);
	digests_release(&d);
}

static void a_symbolic_link_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct digests d;
	write_text(path_in(f, "elsewhere"), "");
	assert_int_equal(symlink(path_in(f, "elsewhere"), path_at_home(f, "digests")), 0);
	digests_init(&d, f->home.fd);
	note(&d, 1);
	assert_false(knows(&d, 1));
	digests_release(&d);
	struct stat st;
	assert_int_equal(stat(path_in(f, "elsewhere"), &st), 0);
	assert_int_equal(st.st_size, 0);
}

static void without_a_home_nothing_is_known_and_nothing_breaks(void **state)
{
	(void)state;
	struct digests d;
	digests_init(&d, -1);
	note(&d, 1);
	assert_false(knows(&d, 1));
	digests_release(&d);
	digests_release(&d);
	assert_false(knows(&d, 1));
}

static void garbage_in_the_file_is_nothing_known(void **state)
{
	struct fixture *f = *state;
	struct digests d;
	static uint8_t noise[1 << 20];
	fill_noise(noise, sizeof noise, 1);
	write_file(path_at_home(f, "digests"), noise, sizeof noise);
	digests_init(&d, f->home.fd);
	for (uint64_t n = 0; n < 1000; n++)
		assert_false(knows(&d, n));
	note(&d, 1);
	assert_true(knows(&d, 1));
	digests_release(&d);
}

static void who_only_looks_finds_what_is_known_and_notes_nothing(void **state)
{
	struct fixture *f = *state;
	struct digests d;
	digests_init(&d, f->home.fd);
	d.look_only = true;
	assert_false(knows(&d, 1));
	digests_release(&d);
	assert_int_equal(access(path_at_home(f, "digests"), F_OK), -1);
	digests_init(&d, f->home.fd);
	note(&d, 1);
	digests_release(&d);
	digests_init(&d, f->home.fd);
	d.look_only = true;
	note(&d, 2);
	assert_true(knows(&d, 1));
	assert_false(knows(&d, 2));
	digests_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(what_was_noted_is_found_by_whoever_opens_it_next),
	    with_home(another_tuple_is_another_content),
	    with_home(a_newer_state_of_a_file_replaces_the_older),
	    with_home(a_racy_tuple_is_never_stored),
	    with_home(a_torn_slot_is_a_file_to_be_read_once_more),
	    with_home(a_full_set_forgets_what_was_seen_longest_ago),
	    with_home(a_slot_that_went_bad_is_used_before_a_good_one),
	    with_home(however_much_is_noted_the_file_stays_bounded),
	    with_home(a_symbolic_link_is_not_followed),
	    cmocka_unit_test(without_a_home_nothing_is_known_and_nothing_breaks),
	    with_home(garbage_in_the_file_is_nothing_known),
	    with_home(who_only_looks_finds_what_is_known_and_notes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
