/* The two-level look-up: results that depend on what their run was seen to read. */
#include "support.h"

#include "fact.h"
#include "lock.h"
#include "manifest.h"
#include "shelf.h"
#include "vault.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static void ask_traced(struct asking *q, const struct home *h)
{
	*q = (struct asking){.policy = lenient_policy()};
	q->question = (struct question){.name = slice_of("traced"), .trace = TRACE_PRELOAD, .inputs = q->inputs};
	assert_int_equal(ask_init(&q->ask, h, &q->policy, &q->question, NULL, NULL), DPC_OK);
}

struct seen {
	enum observation_kind kind;
	const char *path; /* NULL ends a list */
};

/* A run that read these and printed `output`. */
static int remember(const struct home *h, const struct seen *seen, const void *output, size_t size)
{
	struct asking q;
	struct recorder r;
	char name[LOCK_NAME];
	ask_traced(&q, h);
	assert_int_equal(ask_observe(&q.ask, NULL), DPC_OK);
	const struct looker look = {&q.ask.digests, h->state.secret};
	lock_name(name, &q.ask.key);
	int fd = lock_open(h, &q.ask.key);
	assert_int_equal(lock_try_exclusive(fd), 1);
	assert_int_equal(begin_run(&r, &q.ask, fd), DPC_OK);
	assert_int_equal(end_run(&r, output, size), DPC_OK);
	for (; seen->path; seen++)
		assert_int_equal(fact_add(&q.ask.traced, &look, seen->kind, seen->path, NULL), DPC_OK);
	int rc = vault_commit(&q.ask, &r, name, NULL);
	lock_retire(h, &q.ask.key, fd);
	recorder_release(&r);
	asking_end(&q);
	return rc;
}

typedef int way_fn(struct answer *out, struct ask *a);

static int by_shelf(struct answer *out, struct ask *a)
{
	return ask_recall(out, a, NULL);
}

static int by_store(struct answer *out, struct ask *a)
{
	assert_int_equal(ask_observe(a, NULL), DPC_OK);
	return vault_fetch(out, a, NULL);
}

static way_fn *const ways[] = {by_shelf, by_store};
enum { WAYS = 2 };

/* What is answered; "" for a miss. */
static const char *answered(const struct home *h, way_fn *way)
{
	static char text[128];
	struct asking q;
	struct answer a = ANSWER_NONE;
	struct buf got = {0};
	ask_traced(&q, h);
	text[0] = '\0';
	if (way(&a, &q.ask) == DPC_OK) {
		assert_int_equal(capsule_check_frames(&a.capsule, &a.frames, NULL), DPC_OK);
		read_frames(&got, &a.frames);
		snprintf(text, sizeof text, "%.*s", (int)got.size, (const char *)got.data);
	}
	buf_release(&got);
	answer_release(&a);
	asking_end(&q);
	return text;
}

static void assert_answers(const struct home *h, const char *text)
{
	for (int i = 0; i < WAYS; i++)
		assert_string_equal(answered(h, ways[i]), text);
}

static void it_serves_as_long_as_nothing_has_changed(void **state)
{
	struct fixture *f = *state;
	const char *path = path_in(f, "input");
	const struct seen seen[] = {{OBSERVED_FILE, path}, {0, NULL}};
	write_text(path, "1");
	assert_int_equal(remember(&f->home, seen, "one", 3), DPC_OK);
	assert_answers(&f->home, "one");
	write_text(path, "2");
	assert_answers(&f->home, "");
}

static void a_tree_that_is_switched_back_and_forth_hits_both_times(void **state)
{
	struct fixture *f = *state;
	const char *path = path_in(f, "input");
	const struct seen seen[] = {{OBSERVED_FILE, path}, {0, NULL}};
	for (int round = 0; round < 3; round++) {
		write_text(path, "1");
		if (round)
			assert_answers(&f->home, "one");
		else
			assert_int_equal(remember(&f->home, seen, "one", 3), DPC_OK);
		write_text(path, "2");
		if (round)
			assert_answers(&f->home, "two");
		else
			assert_int_equal(remember(&f->home, seen, "two", 3), DPC_OK);
	}
}

static void what_is_read_may_depend_on_what_was_read(void **state)
{
	struct fixture *f = *state;
	const char *includer = path_in(f, "includer"), *a = path_in(f, "a"), *b = path_in(f, "b");
	const struct seen with_a[] = {{OBSERVED_FILE, includer}, {OBSERVED_FILE, a}, {0, NULL}};
	const struct seen with_b[] = {{OBSERVED_FILE, includer}, {OBSERVED_FILE, b}, {OBSERVED_ABSENT, a}, {0, NULL}};
	write_text(includer, "a");
	write_text(a, "");
	assert_int_equal(remember(&f->home, with_a, "a", 1), DPC_OK);
	write_text(includer, "b");
	write_text(b, "");
	assert_int_equal(unlink(a), 0);
	assert_int_equal(remember(&f->home, with_b, "b", 1), DPC_OK);
	assert_answers(&f->home, "b");
	write_text(includer, "a");
	assert_answers(&f->home, "");
	write_text(a, "");
	assert_answers(&f->home, "a");
}

/* Each of these changes what a fact of this kind is of, and nothing else. */
static void each_kind_of_fact_is_asked_after(void **state)
{
	struct fixture *f = *state;
	const char *file = "file", *dir = "dir", *link = "link", *absent = "absent", *dangling = "dangling";
	const struct seen all[] = {
	    {OBSERVED_FILE, file},       {OBSERVED_DIR, dir},      {OBSERVED_LINK, link},
	    {OBSERVED_ABSENT, absent},   {OBSERVED_STAT, file},    {OBSERVED_PLACE, file},
	    {OBSERVED_NO_NAME, dangling}, {OBSERVED_VARIABLE, "X"}, {OBSERVED_NAMES, ""},
	};
	assert_int_equal(chdir(f->dir), 0);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		const struct seen seen[] = {all[i], {0, NULL}};
		write_text(file, "1");
		assert_int_equal(chmod(file, 0600), 0);
		make_directory(dir);
		assert_int_equal(symlink("file", link), 0);
		setenv("X", "1", 1);
		assert_int_equal(remember(&f->home, seen, "one", 3), DPC_OK);
		assert_answers(&f->home, "one");
		switch ((int)all[i].kind) {
		case OBSERVED_FILE:
		case OBSERVED_STAT:
			write_text(file, "two");
			break;
		case OBSERVED_PLACE:
			assert_int_equal(chmod(file, 0700), 0);
			break;
		case OBSERVED_DIR:
			write_text("dir/name", "");
			break;
		case OBSERVED_LINK:
			assert_int_equal(unlink(link), 0);
			assert_int_equal(symlink("dir", link), 0);
			break;
		case OBSERVED_ABSENT:
			write_text(absent, "");
			break;
		case OBSERVED_NO_NAME:
			assert_int_equal(symlink("nowhere", dangling), 0);
			break;
		case OBSERVED_VARIABLE:
			unsetenv("X");
			break;
		case OBSERVED_NAMES:
			setenv("Y", "1", 1);
			break;
		}
		assert_answers(&f->home, "");
		assert_int_equal(vault_invalidate_all(&f->home, NULL), DPC_OK);
		unlink(link);
		unlink("dir/name");
		rmdir(dir);
		unsetenv("Y");
	}
	unsetenv("X");
}

static void equal_content_under_another_stat_is_a_hit_and_the_next_one_needs_no_look(void **state)
{
	struct fixture *f = *state;
	const char *path = path_in(f, "input");
	const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	const struct seen seen[] = {{OBSERVED_FILE, path}, {0, NULL}};
	write_text(path, "1");
	assert_int_equal(remember(&f->home, seen, "one", 3), DPC_OK);
	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
	assert_string_equal(answered(&f->home, by_shelf), "one");
	struct asking q;
	struct shelf s = {0};
	struct shelf_variant v;
	struct tuple t;
	ask_traced(&q, &f->home);
	assert_int_equal(shelf_load(&s, &f->home, &q.ask.hash), DPC_OK);
	assert_true(shelf_next(&s, &v));
	assert_int_equal(v.tuple_count, 1);
	struct cursor c = {v.tuples.data, v.tuples.data + v.tuples.size, false};
	tuple_get(&c, &t);
	assert_int_equal(t.mtime, INT64_C(1000) * 1000000000);
	shelf_release(&s);
	asking_end(&q);
}

static void a_large_result_is_kept_whole(void **state)
{
	struct fixture *f = *state;
	enum { LARGE = CAPSULE_INLINE * 3 };
	static uint8_t noise[LARGE];
	const char *path = path_in(f, "input");
	const struct seen seen[] = {{OBSERVED_FILE, path}, {0, NULL}};
	fill_noise(noise, sizeof noise, 1);
	write_text(path, "1");
	assert_int_equal(remember(&f->home, seen, noise, sizeof noise), DPC_OK);
	for (int i = 0; i < WAYS; i++) {
		struct asking q;
		struct answer a = ANSWER_NONE;
		struct buf got = {0};
		ask_traced(&q, &f->home);
		assert_int_equal(ways[i](&a, &q.ask), DPC_OK);
		assert_int_equal(capsule_check_frames(&a.capsule, &a.frames, NULL), DPC_OK);
		read_frames(&got, &a.frames);
		assert_int_equal(got.size, sizeof noise);
		assert_memory_equal(got.data, noise, sizeof noise);
		buf_release(&got);
		answer_release(&a);
		asking_end(&q);
	}
	assert_int_equal(count_files(path_at_home(f, "data"), NULL), 1);
	assert_int_equal(count_files(path_at_home(f, "locks"), NULL), 0);
}

static void what_was_invalidated_is_not_found_by_either_way(void **state)
{
	struct fixture *f = *state;
	const char *path = path_in(f, "input");
	const struct seen seen[] = {{OBSERVED_FILE, path}, {0, NULL}};
	write_text(path, "1");
	assert_int_equal(remember(&f->home, seen, "one", 3), DPC_OK);
	assert_int_equal(vault_invalidate_all(&f->home, NULL), DPC_OK);
	assert_answers(&f->home, "");
	assert_int_equal(remember(&f->home, seen, "two", 3), DPC_OK);
	assert_answers(&f->home, "two");
}

static void a_manifest_keeps_the_latest_sets(void **state)
{
	struct fixture *f = *state;
	struct buf manifest = {0};
	struct digests d;
	char name[32];
	(void)state;
	digests_init(&d, f->home.fd);
	const struct looker look = {&d, f->home.state.secret};
	for (int i = 0; i < MANIFEST_SETS + 5; i++) {
		struct observations o = {0};
		struct buf next = {0};
		/* The last one again, and again. */
		snprintf(name, sizeof name, "/nowhere/%d", i);
		assert_int_equal(fact_add(&o, &look, OBSERVED_ABSENT, name, NULL), DPC_OK);
		for (int again = 0; again < 2; again++) {
			next.size = 0;
			manifest_add(&next, slice_of_buf(&manifest), &o);
			manifest.size = 0;
			buf_put(&manifest, next.data, next.size);
		}
		buf_release(&next);
		observations_release(&o);
	}
	struct cursor sets = {manifest.data, manifest.data + manifest.size, false};
	struct observations facts = {0};
	int count = 0;
	while (manifest_next(&facts, &sets, &look) == DPC_OK) {
		snprintf(name, sizeof name, "/nowhere/%d", MANIFEST_SETS + 4 - count++);
		assert_string_equal(observation_path(&facts, 0), name);
	}
	assert_int_equal(count, MANIFEST_SETS);
	observations_release(&facts);
	digests_release(&d);
	buf_release(&manifest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(it_serves_as_long_as_nothing_has_changed),
	    with_home(a_tree_that_is_switched_back_and_forth_hits_both_times),
	    with_home(what_is_read_may_depend_on_what_was_read),
	    with_home(each_kind_of_fact_is_asked_after),
	    with_home(equal_content_under_another_stat_is_a_hit_and_the_next_one_needs_no_look),
	    with_home(a_large_result_is_kept_whole),
	    with_home(what_was_invalidated_is_not_found_by_either_way),
	    with_home(a_manifest_keeps_the_latest_sets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
