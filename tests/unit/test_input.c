/* What a command's result depends on besides its question. */
#include "support.h"

#include "fact.h"
#include "key.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* --- looking at inputs --- */

static int observe_into(struct observations *o, const struct fixture *f, const char *spec)
{
	struct digests d;
	digests_init(&d, f->home.fd);
	int rc = observe_input(o, &d, spec, NULL);
	digests_release(&d);
	return rc;
}

/* `name` is below the scratch directory. */
static struct observations observe(const struct fixture *f, const char *name)
{
	struct observations o = {0};
	assert_int_equal(observe_into(&o, f, path_in(f, name)), DPC_OK);
	assert_false(o.failed);
	return o;
}

static struct digest key_of_inputs(const struct observations *o)
{
	return key_of(slice_of("question"), o);
}

static struct digest key_now(const struct fixture *f, const char *name)
{
	struct observations o = observe(f, name);
	struct digest key = key_of_inputs(&o);
	observations_release(&o);
	return key;
}

static bool is_unchanged(const struct observations *o, size_t i)
{
	static const uint8_t secret[16];
	const char *path = observation_path(o, i);
	struct stored_observation stored = {o->v[i].kind, slice_of(path), o->v[i].digest};
	return fact_unchanged(&stored, &o->v[i].tuple, secret);
}

static bool all_unchanged(const struct observations *o)
{
	for (size_t i = 0; i < o->count; i++)
		if (!is_unchanged(o, i))
			return false;
	return true;
}

/* As if everything had been looked at long after it was made: what is asked
 * of the tuples below is whether they tell a change, not whether they are
 * old. */
static void settle(struct observations *o)
{
	for (size_t i = 0; i < o->count; i++)
		o->v[i].tuple.seen = INT64_MAX;
}

/* Kinds and paths, the scratch directory as "~". */
static void assert_observed(const struct fixture *f, const struct observations *o, const char *expected)
{
	struct buf text = {0};
	size_t n = strlen(f->dir);
	for (size_t i = 0; i < o->count; i++) {
		const char *path = observation_path(o, i);
		assert_memory_equal(path, f->dir, n);
		buf_u8(&text, (uint8_t)o->v[i].kind);
		buf_put(&text, "~", 1);
		buf_put(&text, path + n, strlen(path + n));
		buf_u8(&text, ' ');
	}
	buf_u8(&text, '\0');
	assert_string_equal((const char *)text.data, expected);
	buf_release(&text);
}

static void assert_spec(const struct fixture *f, const char *name, const char *expected)
{
	struct observations o = observe(f, name);
	assert_observed(f, &o, expected);
	observations_release(&o);
}

/* --- files --- */

static void a_file_is_known_by_its_content(void **state)
{
	struct fixture *f = *state;
	write_text(path_in(f, "a"), "one");
	struct observations o = observe(f, "a");
	struct digest expected = digest_named("one");
	assert_observed(f, &o, "f~/a ");
	assert_digests_equal(&o.v[0].digest, &expected);
	observations_release(&o);
	struct digest before = key_now(f, "a");
	write_text(path_in(f, "a"), "two");
	struct digest after = key_now(f, "a");
	assert_digests_differ(&before, &after);
	write_text(path_in(f, "a"), "one");
	after = key_now(f, "a");
	assert_digests_equal(&before, &after);
}

static void an_empty_file_is_not_an_absent_one(void **state)
{
	struct fixture *f = *state;
	struct digest absent = key_now(f, "a");
	write_text(path_in(f, "a"), "");
	struct digest empty = key_now(f, "a");
	assert_digests_differ(&absent, &empty);
}

static void the_same_content_elsewhere_is_another_input(void **state)
{
	struct fixture *f = *state;
	write_text(path_in(f, "a"), "one");
	write_text(path_in(f, "b"), "one");
	struct digest a = key_now(f, "a"), b = key_now(f, "b");
	assert_digests_differ(&a, &b);
}

static void a_file_larger_than_a_chunk_is_read_whole(void **state)
{
	struct fixture *f = *state;
	static uint8_t noise[200001];
	fill_noise(noise, sizeof noise, 1);
	write_file(path_in(f, "a"), noise, sizeof noise);
	struct observations o = observe(f, "a");
	struct digest expected = hash128(noise, sizeof noise);
	assert_digests_equal(&o.v[0].digest, &expected);
	observations_release(&o);
	struct digest before = key_now(f, "a");
	noise[sizeof noise - 1] ^= 1;
	write_file(path_in(f, "a"), noise, sizeof noise);
	struct digest after = key_now(f, "a");
	assert_digests_differ(&before, &after);
}

static void a_link_that_was_declared_is_followed(void **state)
{
	struct fixture *f = *state;
	write_text(path_in(f, "a"), "one");
	write_text(path_in(f, "b"), "two");
	assert_int_equal(symlink("a", path_in(f, "link")), 0);
	struct observations o = observe(f, "link");
	assert_observed(f, &o, "f~/link ");
	settle(&o);
	assert_true(all_unchanged(&o));
	struct digest before = key_of_inputs(&o);
	assert_int_equal(unlink(path_in(f, "link")), 0);
	assert_int_equal(symlink("b", path_in(f, "link")), 0);
	assert_false(all_unchanged(&o));
	struct digest after = key_now(f, "link");
	assert_digests_differ(&before, &after);
	observations_release(&o);
}

/* --- absent --- */

static void what_does_not_exist_is_observed_as_absent(void **state)
{
	struct fixture *f = *state;
	static const struct digest zero;
	struct observations o = observe(f, "nowhere");
	assert_observed(f, &o, "-~/nowhere ");
	assert_digests_equal(&o.v[0].digest, &zero);
	assert_true(all_unchanged(&o));
	write_text(path_in(f, "nowhere"), "");
	assert_false(all_unchanged(&o));
	observations_release(&o);
}

static void what_would_lie_below_a_file_is_absent(void **state)
{
	struct fixture *f = *state;
	write_text(path_in(f, "a"), "one");
	assert_spec(f, "a/b", "-~/a/b ");
}

static void a_link_that_leads_nowhere_is_absent(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(symlink("later", path_in(f, "link")), 0);
	struct observations o = observe(f, "link");
	assert_observed(f, &o, "-~/link ");
	assert_true(all_unchanged(&o));
	write_text(path_in(f, "later"), "");
	assert_false(all_unchanged(&o));
	observations_release(&o);
}

static void a_file_that_went_away_has_changed(void **state)
{
	struct fixture *f = *state;
	write_text(path_in(f, "a"), "one");
	struct observations o = observe(f, "a");
	settle(&o);
	assert_true(all_unchanged(&o));
	assert_int_equal(unlink(path_in(f, "a")), 0);
	assert_false(all_unchanged(&o));
	observations_release(&o);
}

/* --- directories --- */

static void plant(const struct fixture *f)
{
	make_directory(path_in(f, "src"));
	make_directory(path_in(f, "src/sub"));
	write_text(path_in(f, "src/b.c"), "b");
	write_text(path_in(f, "src/a.c"), "a");
	write_text(path_in(f, "src/.hidden"), "h");
	write_text(path_in(f, "src/sub/x.c"), "x");
}

static void a_directory_is_all_that_is_in_it(void **state)
{
	struct fixture *f = *state;
	plant(f);
	assert_spec(f, "src", "d~/src f~/src/.hidden f~/src/a.c f~/src/b.c d~/src/sub f~/src/sub/x.c ");
}

static void a_change_anywhere_below_a_directory_shows(void **state)
{
	struct fixture *f = *state;
	plant(f);
	struct digest first = key_now(f, "src"), now;
	write_text(path_in(f, "src/sub/x.c"), "y");
	now = key_now(f, "src");
	assert_digests_differ(&first, &now);
	write_text(path_in(f, "src/sub/x.c"), "x");
	now = key_now(f, "src");
	assert_digests_equal(&first, &now);
	write_text(path_in(f, "src/sub/new"), "");
	now = key_now(f, "src");
	assert_digests_differ(&first, &now);
	assert_int_equal(unlink(path_in(f, "src/sub/new")), 0);
	make_directory(path_in(f, "src/empty"));
	now = key_now(f, "src");
	assert_digests_differ(&first, &now);
}

static void a_name_that_comes_or_goes_shows_by_stat(void **state)
{
	struct fixture *f = *state;
	plant(f);
	struct observations o = observe(f, "src");
	settle(&o);
	assert_true(all_unchanged(&o));
	write_text(path_in(f, "src/sub/new"), "");
	assert_false(all_unchanged(&o));
	observations_release(&o);
	o = observe(f, "src");
	settle(&o);
	assert_int_equal(unlink(path_in(f, "src/.hidden")), 0);
	assert_false(all_unchanged(&o));
	observations_release(&o);
}

static void a_file_renamed_is_another_tree(void **state)
{
	struct fixture *f = *state;
	plant(f);
	struct digest before = key_now(f, "src");
	assert_int_equal(rename(path_in(f, "src/a.c"), path_in(f, "src/z.c")), 0);
	struct digest after = key_now(f, "src");
	assert_digests_differ(&before, &after);
}

static void links_in_a_tree_are_looked_at_not_through(void **state)
{
	/* A link to the directory above would never end. */
	struct fixture *f = *state;
	make_directory(path_in(f, "src"));
	assert_int_equal(symlink("..", path_in(f, "src/up")), 0);
	assert_int_equal(symlink("nowhere", path_in(f, "src/void")), 0);
	assert_spec(f, "src", "d~/src l~/src/up l~/src/void ");
	struct digest before = key_now(f, "src");
	assert_int_equal(unlink(path_in(f, "src/void")), 0);
	assert_int_equal(symlink("somewhere", path_in(f, "src/void")), 0);
	struct digest after = key_now(f, "src");
	assert_digests_differ(&before, &after);
}

static void a_link_in_a_tree_is_compared_by_its_own_tuple(void **state)
{
	struct fixture *f = *state;
	make_directory(path_in(f, "src"));
	write_text(path_in(f, "target"), "one");
	assert_int_equal(symlink("../target", path_in(f, "src/link")), 0);
	struct observations o = observe(f, "src");
	settle(&o);
	write_text(path_in(f, "target"), "two");
	assert_true(all_unchanged(&o));
	observations_release(&o);
}

static void a_fifo_is_never_read(void **state)
{
	/* Reading it would wait for ever: there is no writer. */
	struct fixture *f = *state;
	make_directory(path_in(f, "src"));
	assert_int_equal(mkfifo(path_in(f, "src/fifo"), 0600), 0);
	assert_spec(f, "src", "d~/src s~/src/fifo ");
	struct observations o = observe(f, "src/fifo");
	assert_observed(f, &o, "s~/src/fifo ");
	assert_true(all_unchanged(&o));
	assert_int_equal(unlink(path_in(f, "src/fifo")), 0);
	assert_false(all_unchanged(&o));
	write_text(path_in(f, "src/fifo"), "now a file");
	assert_false(all_unchanged(&o));
	observations_release(&o);
}

static void a_device_is_never_read(void **state)
{
	struct fixture *f = *state;
	struct observations o = {0};
	assert_int_equal(observe_into(&o, f, "/dev/zero"), DPC_OK);
	assert_int_equal(o.count, 1);
	assert_int_equal(o.v[0].kind, OBSERVED_OTHER);
	assert_true(all_unchanged(&o));
	observations_release(&o);
}

/* --- globs --- */

static void a_glob_is_its_listing_and_what_matches(void **state)
{
	struct fixture *f = *state;
	plant(f);
	assert_spec(f, "src/*.c", "g~/src f~/src/a.c f~/src/b.c ");
	assert_spec(f, "src/*.none", "g~/src ");
}

static void a_new_match_shows_and_another_name_does_not(void **state)
{
	struct fixture *f = *state;
	plant(f);
	struct digest before = key_now(f, "src/*.c");
	write_text(path_in(f, "src/README"), "not looked for");
	struct digest after = key_now(f, "src/*.c");
	assert_digests_equal(&before, &after);
	write_text(path_in(f, "src/c.c"), "c");
	after = key_now(f, "src/*.c");
	assert_digests_differ(&before, &after);
}

static void a_first_match_shows_by_stat(void **state)
{
	struct fixture *f = *state;
	plant(f);
	struct observations o = observe(f, "src/*.none");
	settle(&o);
	assert_true(all_unchanged(&o));
	write_text(path_in(f, "src/x.none"), "");
	assert_false(all_unchanged(&o));
	observations_release(&o);
}

static void a_directory_missing_in_a_glob_is_observed(void **state)
{
	struct fixture *f = *state;
	struct observations o = observe(f, "later/*.c");
	assert_observed(f, &o, "-~/later ");
	assert_true(all_unchanged(&o));
	struct digest before = key_of_inputs(&o);
	make_directory(path_in(f, "later"));
	assert_false(all_unchanged(&o));
	write_text(path_in(f, "later/x.c"), "");
	struct digest after = key_now(f, "later/*.c");
	assert_digests_differ(&before, &after);
	observations_release(&o);
}

static void a_file_in_the_place_of_a_directory_of_a_glob_is_observed(void **state)
{
	/* Nothing matches below a file; but it may become a directory. */
	struct fixture *f = *state;
	write_text(path_in(f, "later"), "a file");
	struct observations o = observe(f, "later/*.c");
	settle(&o);
	assert_int_equal(unlink(path_in(f, "later")), 0);
	make_directory(path_in(f, "later"));
	write_text(path_in(f, "later/x.c"), "");
	assert_false(all_unchanged(&o));
	observations_release(&o);
}

static void a_link_in_a_glob_that_leads_from_a_file_to_a_directory_has_changed(void **state)
{
	/* The directory that was listed holds the same names as before. */
	struct fixture *f = *state;
	make_directory(path_in(f, "all"));
	write_text(path_in(f, "target"), "a file");
	assert_int_equal(symlink("../target", path_in(f, "all/link")), 0);
	struct observations o = observe(f, "all/*/x.c");
	settle(&o);
	assert_int_equal(unlink(path_in(f, "target")), 0);
	make_directory(path_in(f, "target"));
	write_text(path_in(f, "target/x.c"), "");
	assert_false(all_unchanged(&o));
	observations_release(&o);
}

static void a_directory_that_matches_is_looked_into(void **state)
{
	struct fixture *f = *state;
	plant(f);
	assert_spec(f, "src/s*", "g~/src d~/src/sub f~/src/sub/x.c ");
}

static void a_name_with_a_star_that_exists_is_taken_literally(void **state)
{
	struct fixture *f = *state;
	write_text(path_in(f, "a*"), "star");
	write_text(path_in(f, "ab"), "other");
	assert_spec(f, "a*", "f~/a* ");
}

static void a_link_that_leads_nowhere_matches_a_glob_as_absent(void **state)
{
	struct fixture *f = *state;
	make_directory(path_in(f, "src"));
	assert_int_equal(symlink("nowhere", path_in(f, "src/a.c")), 0);
	assert_spec(f, "src/*.c", "g~/src -~/src/a.c ");
}

/* --- when a tuple can be trusted --- */

static void what_was_just_written_is_not_trusted_by_stat(void **state)
{
	struct fixture *f = *state;
	plant(f);
	struct observations o = observe(f, "src/a.c");
	assert_true(tuple_racy(&o.v[0].tuple));
	assert_false(all_unchanged(&o));
	observations_release(&o);
	o = observe(f, "src/*.c");
	assert_false(is_unchanged(&o, 0));
	observations_release(&o);
}

static void a_tuple_never_to_be_trusted_is_not(void **state)
{
	struct fixture *f = *state;
	plant(f);
	struct observations o = observe(f, "src/a.c");
	settle(&o);
	assert_true(all_unchanged(&o));
	o.v[0].tuple.seen = 0;
	assert_false(all_unchanged(&o));
	observations_release(&o);
}

static void a_rewrite_of_the_same_size_within_a_tick_is_detected(void **state)
{
	/* As make does it: rewritten at once, and the old time put back. However
	 * coarse the file system's clock, neither the tuple nor what is remembered
	 * of it may stand for the new content. */
	struct fixture *f = *state;
	const char *path = path_in(f, "a");
	for (int i = 0; i < 200; i++) {
		struct stat st;
		char text[2] = {(char)('a' + i % 26), '\0'};
		write_text(path, text);
		struct observations o = observe(f, "a");
		struct digest before = key_of_inputs(&o);
		assert_int_equal(stat(path, &st), 0);
		text[0]++;
		write_text(path, text);
		struct timespec times[2] = {st.st_atim, st.st_mtim};
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
		assert_false(all_unchanged(&o));
		struct digest after = key_now(f, "a");
		assert_digests_differ(&before, &after);
		observations_release(&o);
	}
}

static void a_time_put_back_does_not_hide_a_change(void **state)
{
	struct fixture *f = *state;
	const char *path = path_in(f, "a");
	struct stat st;
	write_text(path, "one");
	struct observations o = observe(f, "a");
	settle(&o);
	assert_int_equal(stat(path, &st), 0);
	/* Until the file system's clock has moved on: it is ctime that tells. */
	struct stat now = st;
	while (now.st_ctim.tv_sec == st.st_ctim.tv_sec && now.st_ctim.tv_nsec == st.st_ctim.tv_nsec) {
		struct timespec times[2] = {st.st_atim, st.st_mtim};
		write_text(path, "two");
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
		assert_int_equal(stat(path, &now), 0);
	}
	assert_false(all_unchanged(&o));
	observations_release(&o);
}

static void a_file_replaced_by_one_of_the_same_times_is_another(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	write_text(path_in(f, "a"), "one");
	struct observations o = observe(f, "a");
	settle(&o);
	assert_int_equal(stat(path_in(f, "a"), &st), 0);
	write_text(path_in(f, "new"), "two");
	struct timespec times[2] = {st.st_atim, st.st_mtim};
	assert_int_equal(utimensat(AT_FDCWD, path_in(f, "new"), times, 0), 0);
	assert_int_equal(rename(path_in(f, "new"), path_in(f, "a")), 0);
	assert_false(all_unchanged(&o));
	observations_release(&o);
}

static void an_old_file_is_read_once(void **state)
{
	/* /bin/sh has lain there for longer than any tick. That its digest comes
	 * from the cache shows when the cache is made to lie. */
	struct fixture *f = *state;
	struct digests d;
	struct observations o = {0};
	digests_init(&d, f->home.fd);
	assert_int_equal(observe_input(&o, &d, "/bin/sh", NULL), DPC_OK);
	if (tuple_racy(&o.v[0].tuple)) {
		observations_release(&o);
		digests_release(&d);
		skip();
	}
	assert_true(all_unchanged(&o));
	struct digest lie = digest_named("a lie");
	digests_note(&d, &o.v[0].tuple, &lie);
	observations_release(&o);
	assert_int_equal(observe_input(&o, &d, "/bin/sh", NULL), DPC_OK);
	assert_digests_equal(&o.v[0].digest, &lie);
	observations_release(&o);
	digests_release(&d);
}

/* --- the executable --- */

static void an_executable_is_known_by_its_content(void **state)
{
	struct fixture *f = *state;
	struct observations o = {0};
	struct digests d;
	digests_init(&d, f->home.fd);
	write_text(path_in(f, "tool"), "#!/bin/sh\n");
	assert_int_equal(observe_exe(&o, &d, path_in(f, "tool"), NULL), DPC_OK);
	assert_observed(f, &o, "x~/tool ");
	struct digest expected = digest_named("#!/bin/sh\n");
	assert_digests_equal(&o.v[0].digest, &expected);
	dpc_error err = {0};
	assert_true(observe_exe(&o, &d, path_in(f, "nowhere"), &err) < 0);
	assert_non_null(strstr(err.message, "nowhere"));
	observations_release(&o);
	digests_release(&d);
}

/* --- as bytes --- */

static void what_was_put_comes_back_without_its_tuples(void **state)
{
	struct fixture *f = *state;
	plant(f);
	struct observations o = observe(f, "src");
	struct buf b = {0};
	observations_put(&b, &o);
	assert_false(b.failed);
	struct cursor c = {b.data, b.data + b.size, false};
	assert_int_equal(cursor_u32(&c), o.count);
	for (size_t i = 0; i < o.count; i++) {
		struct stored_observation s;
		stored_observation_get(&c, &s);
		assert_false(c.bad);
		assert_int_equal(s.kind, o.v[i].kind);
		assert_string_equal((const char *)s.path.data, observation_path(&o, i));
		assert_int_equal(s.path.size, strlen(observation_path(&o, i)));
		assert_digests_equal(&s.digest, &o.v[i].digest);
	}
	assert_ptr_equal(c.at, c.end);
	/* Tuples are of this machine and this day: no part of the key. */
	struct buf again = {0};
	settle(&o);
	observations_put(&again, &o);
	assert_true(slice_equal(slice_of_buf(&b), slice_of_buf(&again)));
	buf_release(&again);
	buf_release(&b);
	observations_release(&o);
}

static void a_stored_observation_cut_short_is_bad(void **state)
{
	struct fixture *f = *state;
	write_text(path_in(f, "a"), "one");
	struct observations o = observe(f, "a");
	struct buf b = {0};
	observations_put(&b, &o);
	for (size_t size = 4; size < b.size; size++) {
		struct stored_observation s;
		struct cursor c = {b.data + 4, b.data + size, false};
		stored_observation_get(&c, &s);
		assert_true(c.bad);
	}
	buf_release(&b);
	observations_release(&o);
}

static void a_stored_path_without_its_nul_is_bad(void **state)
{
	(void)state;
	struct buf b = {0};
	struct stored_observation s;
	static const struct digest zero;
	buf_u8(&b, OBSERVED_FILE);
	buf_field(&b, "/etc", 4);
	buf_put(&b, zero.bytes, sizeof zero.bytes);
	struct cursor c = {b.data, b.data + b.size, false};
	stored_observation_get(&c, &s);
	assert_true(c.bad);
	buf_release(&b);
	buf_u8(&b, OBSERVED_FILE);
	buf_field(&b, "", 0);
	buf_put(&b, zero.bytes, sizeof zero.bytes);
	c = (struct cursor){b.data, b.data + b.size, false};
	stored_observation_get(&c, &s);
	assert_true(c.bad);
	buf_release(&b);
}

static void a_digest_of_a_descriptor_leaves_its_offset(void **state)
{
	struct fixture *f = *state;
	struct digest got, expected = digest_named("content");
	uint64_t size = 0;
	write_text(path_in(f, "a"), "content");
	int fd = open(path_in(f, "a"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
	assert_int_equal(input_digest_fd(&got, fd, &size), 0);
	assert_digests_equal(&got, &expected);
	assert_int_equal(size, 7);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
	close(fd);
	assert_int_equal(input_digest_fd(&got, -1, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(a_file_is_known_by_its_content),
	    with_home(an_empty_file_is_not_an_absent_one),
	    with_home(the_same_content_elsewhere_is_another_input),
	    with_home(a_file_larger_than_a_chunk_is_read_whole),
	    with_home(a_link_that_was_declared_is_followed),
	    with_home(what_does_not_exist_is_observed_as_absent),
	    with_home(what_would_lie_below_a_file_is_absent),
	    with_home(a_link_that_leads_nowhere_is_absent),
	    with_home(a_file_that_went_away_has_changed),
	    with_home(a_directory_is_all_that_is_in_it),
	    with_home(a_change_anywhere_below_a_directory_shows),
	    with_home(a_name_that_comes_or_goes_shows_by_stat),
	    with_home(a_file_renamed_is_another_tree),
	    with_home(links_in_a_tree_are_looked_at_not_through),
	    with_home(a_link_in_a_tree_is_compared_by_its_own_tuple),
	    with_home(a_fifo_is_never_read),
	    with_home(a_device_is_never_read),
	    with_home(a_glob_is_its_listing_and_what_matches),
	    with_home(a_new_match_shows_and_another_name_does_not),
	    with_home(a_first_match_shows_by_stat),
	    with_home(a_directory_missing_in_a_glob_is_observed),
	    with_home(a_file_in_the_place_of_a_directory_of_a_glob_is_observed),
	    with_home(a_link_in_a_glob_that_leads_from_a_file_to_a_directory_has_changed),
	    with_home(a_directory_that_matches_is_looked_into),
	    with_home(a_name_with_a_star_that_exists_is_taken_literally),
	    with_home(a_link_that_leads_nowhere_matches_a_glob_as_absent),
	    with_home(what_was_just_written_is_not_trusted_by_stat),
	    with_home(a_tuple_never_to_be_trusted_is_not),
	    with_home(a_rewrite_of_the_same_size_within_a_tick_is_detected),
	    with_home(a_time_put_back_does_not_hide_a_change),
	    with_home(a_file_replaced_by_one_of_the_same_times_is_another),
	    with_home(an_old_file_is_read_once),
	    with_home(an_executable_is_known_by_its_content),
	    with_home(what_was_put_comes_back_without_its_tuples),
	    with_home(a_stored_observation_cut_short_is_bad),
	    cmocka_unit_test(a_stored_path_without_its_nul_is_bad),
	    with_home(a_digest_of_a_descriptor_leaves_its_offset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
