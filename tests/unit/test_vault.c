/* Store, shelf and data files as one. */
#include "support.h"

#include "lock.h"
#include "shelf.h"
#include "vault.h"

#include <fcntl.h>
#include <stdio.h>

enum { LARGE = CAPSULE_INLINE * 2 };
static uint8_t noise[LARGE];

/* A run at work in its lock file. */
struct run {
	struct recorder recorder;
	char name[LOCK_NAME];
	int fd;
	const struct ask *ask;
};

static void run_begin(struct run *r, const struct ask *a)
{
	r->ask = a;
	lock_name(r->name, &a->key);
	r->fd = lock_open(a->home, &a->key);
	assert_int_equal(lock_try_exclusive(r->fd), 1);
	assert_int_equal(begin_run(&r->recorder, a, r->fd), DPC_OK);
}

static int run_commit(struct run *r, struct ask *a, const void *output, size_t size)
{
	assert_int_equal(end_run(&r->recorder, output, size), DPC_OK);
	return vault_commit(a, &r->recorder, r->name, NULL);
}

static void run_end(struct run *r)
{
	lock_retire(r->ask->home, &r->ask->key, r->fd);
	recorder_release(&r->recorder);
}

/* Begin, commit, end. */
static int commit(struct ask *a, const void *output, size_t size)
{
	struct run r;
	run_begin(&r, a);
	int rc = run_commit(&r, a, output, size);
	run_end(&r);
	return rc;
}

static void assert_output(const struct answer *a, const void *output, size_t size)
{
	struct buf got = {0};
	assert_int_equal(capsule_check_frames(&a->capsule, &a->frames, NULL), DPC_OK);
	read_frames(&got, &a->frames);
	assert_int_equal(got.size, size);
	assert_memory_equal(got.data, output, size);
	buf_release(&got);
}

static void assert_fetched(struct ask *a, const void *output, size_t size)
{
	struct answer found = ANSWER_NONE;
	dpc_error err = {0};
	if (vault_fetch(&found, a, &err) != DPC_OK)
		fail_msg("not found: %s", err.message);
	assert_true(found.age >= 0);
	assert_output(&found, output, size);
	answer_release(&found);
}

static void assert_recalled(struct ask *a, const void *output, size_t size)
{
	struct answer found = ANSWER_NONE;
	assert_int_equal(ask_recall(&found, a, NULL), DPC_OK);
	assert_output(&found, output, size);
	answer_release(&found);
}

static void assert_nowhere(struct ask *a)
{
	struct answer found = ANSWER_NONE;
	assert_int_equal(ask_recall(&found, a, NULL), DPC_MISS);
	assert_int_equal(vault_fetch(&found, a, NULL), DPC_MISS);
	answer_release(&found);
}

static int vault_setup(void **state)
{
	fill_noise(noise, sizeof noise, 1);
	return fixture_setup(state);
}

#define with_vault(test) cmocka_unit_test_setup_teardown(test, vault_setup, fixture_teardown)

static void nothing_is_found_in_a_new_home(void **state)
{
	struct fixture *f = *state;
	struct asking q;
	asking_begin(&q, &f->home, "a", NULL);
	assert_nowhere(&q.ask);
	/* Looking has not made a database. */
	assert_int_equal(access(path_at_home(f, "cache.db"), F_OK), -1);
	asking_end(&q);
}

static void a_run_that_was_committed_is_on_the_shelf_and_in_the_store(void **state)
{
	struct fixture *f = *state;
	struct asking q, other;
	asking_begin(&q, &f->home, "a", NULL);
	asking_begin(&other, &f->home, "b", NULL);
	assert_int_equal(commit(&q.ask, "hello", 5), DPC_OK);
	assert_recalled(&q.ask, "hello", 5);
	assert_fetched(&q.ask, "hello", 5);
	assert_nowhere(&other.ask);
	assert_int_equal(count_files(path_at_home(f, "data"), NULL), 0);
	assert_int_equal(count_files(path_at_home(f, "locks"), NULL), 0);
	asking_end(&q);
	asking_end(&other);
}

static void what_the_shelf_has_lost_is_fetched_and_laid_there_again(void **state)
{
	struct fixture *f = *state;
	static const size_t sizes[] = {5, LARGE};
	for (size_t i = 0; i < 2; i++) {
		struct asking q;
		struct answer none = ANSWER_NONE;
		asking_begin(&q, &f->home, "a", NULL);
		assert_int_equal(commit(&q.ask, noise, sizes[i]), DPC_OK);
		shelf_remove(&f->home, &q.ask.hash);
		assert_int_equal(ask_recall(&none, &q.ask, NULL), DPC_MISS);
		assert_fetched(&q.ask, noise, sizes[i]);
		assert_recalled(&q.ask, noise, sizes[i]);
		asking_end(&q);
	}
}

static void who_only_looks_fetches_and_lays_nothing_down(void **state)
{
	struct fixture *f = *state;
	struct asking q;
	struct answer none = ANSWER_NONE;
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(commit(&q.ask, "hello", 5), DPC_OK);
	shelf_remove(&f->home, &q.ask.hash);
	ask_look_only(&q.ask);
	assert_fetched(&q.ask, "hello", 5);
	assert_int_equal(ask_recall(&none, &q.ask, NULL), DPC_MISS);
	asking_end(&q);
}

static void a_large_run_lives_in_a_file(void **state)
{
	struct fixture *f = *state;
	struct asking q;
	uint64_t bytes = 0;
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(commit(&q.ask, noise, LARGE), DPC_OK);
	assert_int_equal(count_files(path_at_home(f, "data"), &bytes), 1);
	assert_true(bytes >= LARGE);
	assert_int_equal(count_files(path_at_home(f, "locks"), NULL), 0);
	assert_recalled(&q.ask, noise, LARGE);
	assert_fetched(&q.ask, noise, LARGE);
	asking_end(&q);
}

static void a_newer_run_replaces_the_older_and_its_file(void **state)
{
	struct fixture *f = *state;
	struct asking q;
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(commit(&q.ask, noise, LARGE), DPC_OK);
	assert_int_equal(commit(&q.ask, noise + 1, LARGE - 1), DPC_OK);
	assert_int_equal(count_files(path_at_home(f, "data"), NULL), 1);
	assert_recalled(&q.ask, noise + 1, LARGE - 1);
	assert_fetched(&q.ask, noise + 1, LARGE - 1);
	assert_int_equal(commit(&q.ask, "small", 5), DPC_OK);
	assert_int_equal(count_files(path_at_home(f, "data"), NULL), 0);
	assert_recalled(&q.ask, "small", 5);
	assert_fetched(&q.ask, "small", 5);
	asking_end(&q);
}

static void a_run_that_was_over_but_waited_to_be_kept_does_not_replace_a_newer_one(void **state)
{
	struct fixture *f = *state;
	struct asking q;
	struct recorder late;
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(begin_run(&late, &q.ask, -1), DPC_OK);
	assert_int_equal(end_run(&late, "old", 3), DPC_OK);
	assert_int_equal(commit(&q.ask, "new", 3), DPC_OK);
	assert_int_equal(vault_commit(&q.ask, &late, "", NULL), DPC_MISS);
	assert_recalled(&q.ask, "new", 3);
	assert_fetched(&q.ask, "new", 3);
	recorder_release(&late);
	asking_end(&q);
}

static void a_large_run_in_the_file_of_a_dead_leader_can_be_fetched(void **state)
{
	/* It was killed with more written than its successor has to say. */
	struct fixture *f = *state;
	struct asking q;
	struct run dead;
	asking_begin(&q, &f->home, "a", NULL);
	run_begin(&dead, &q.ask);
	assert_int_equal(recorder_append(&dead.recorder, STREAM_OUT, noise, LARGE, NULL), DPC_OK);
	recorder_release(&dead.recorder);
	close(dead.fd);
	assert_int_equal(commit(&q.ask, noise, LARGE / 2 + 1000), DPC_OK);
	assert_fetched(&q.ask, noise, LARGE / 2 + 1000);
	asking_end(&q);
}

static void each_state_of_an_input_has_its_own_entry(void **state)
{
	struct fixture *f = *state;
	struct asking one, two;
	const char *input = path_in(f, "input");
	char kept[PATH_MAX];
	snprintf(kept, sizeof kept, "%s", input);
	write_text(kept, "one");
	asking_begin(&one, &f->home, "a", kept);
	assert_int_equal(commit(&one.ask, "1", 1), DPC_OK);
	write_text(kept, "two");
	asking_begin(&two, &f->home, "a", kept);
	assert_digests_differ(&one.ask.key, &two.ask.key);
	assert_nowhere(&two.ask);
	assert_int_equal(commit(&two.ask, "2", 1), DPC_OK);
	assert_recalled(&two.ask, "2", 1);
	/* Back to what it was, the older answer is right again. */
	write_text(kept, "one");
	asking_end(&one);
	asking_begin(&one, &f->home, "a", kept);
	assert_recalled(&one.ask, "1", 1);
	asking_end(&one);
	asking_end(&two);
}

static void an_older_entry_does_not_serve_the_impatient(void **state)
{
	struct fixture *f = *state;
	struct asking q;
	struct run r;
	asking_begin(&q, &f->home, "a", NULL);
	run_begin(&r, &q.ask);
	assert_int_equal(recorder_append(&r.recorder, STREAM_OUT, "x", 1, NULL), DPC_OK);
	moment_now(&r.recorder.capsule.created);
	/* Two hours ago, and this caller takes one. */
	r.recorder.capsule.created.wall -= INT64_C(7200) * 1000000000;
	r.recorder.capsule.created.boot -= INT64_C(7200) * 1000000000;
	assert_int_equal(recorder_finish(&r.recorder, CAPSULE_DONE, NULL), DPC_OK);
	assert_int_equal(vault_commit(&q.ask, &r.recorder, r.name, NULL), DPC_OK);
	run_end(&r);
	assert_fetched(&q.ask, "x", 1);
	q.policy.ttl = INT64_C(3600) * 1000000000;
	assert_nowhere(&q.ask);
	assert_int_equal(q.ask.verdict, VERDICT_EXPIRED);
	asking_end(&q);
}

/* --- removing --- */

static void what_was_removed_is_nowhere(void **state)
{
	struct fixture *f = *state;
	static const size_t sizes[] = {5, LARGE};
	for (size_t i = 0; i < 2; i++) {
		struct asking q;
		asking_begin(&q, &f->home, "a", NULL);
		assert_int_equal(commit(&q.ask, noise, sizes[i]), DPC_OK);
		assert_int_equal(vault_remove(&f->home, &q.ask.key, NULL), DPC_OK);
		assert_nowhere(&q.ask);
		assert_int_equal(count_files(path_at_home(f, "data"), NULL), 0);
		assert_int_equal(count_files(path_at_home(f, "shelf"), NULL), 0);
		assert_int_equal(vault_remove(&f->home, &q.ask.key, NULL), DPC_MISS);
		asking_end(&q);
	}
}

static void removing_what_never_was_is_a_miss(void **state)
{
	struct fixture *f = *state;
	struct digest key = digest_named("a");
	assert_int_equal(vault_remove(&f->home, &key, NULL), DPC_MISS);
}

static void removing_one_leaves_the_others(void **state)
{
	struct fixture *f = *state;
	struct asking a, b;
	asking_begin(&a, &f->home, "a", NULL);
	asking_begin(&b, &f->home, "b", NULL);
	assert_int_equal(commit(&a.ask, "a", 1), DPC_OK);
	assert_int_equal(commit(&b.ask, "b", 1), DPC_OK);
	assert_int_equal(vault_remove(&f->home, &a.ask.key, NULL), DPC_OK);
	assert_nowhere(&a.ask);
	assert_recalled(&b.ask, "b", 1);
	assert_fetched(&b.ask, "b", 1);
	asking_end(&a);
	asking_end(&b);
}

static void removing_voids_a_run_at_work(void **state)
{
	struct fixture *f = *state;
	static const size_t sizes[] = {5, LARGE};
	for (size_t i = 0; i < 2; i++) {
		struct asking q;
		struct run r;
		asking_begin(&q, &f->home, "a", NULL);
		run_begin(&r, &q.ask);
		assert_int_equal(vault_remove(&f->home, &q.ask.key, NULL), DPC_OK);
		assert_int_equal(run_commit(&r, &q.ask, noise, sizes[i]), DPC_MISS);
		run_end(&r);
		assert_nowhere(&q.ask);
		assert_int_equal(count_files(path_at_home(f, "data"), NULL), 0);
		/* A run that begins afterwards is kept. */
		assert_int_equal(commit(&q.ask, noise, sizes[i]), DPC_OK);
		assert_fetched(&q.ask, noise, sizes[i]);
		assert_int_equal(vault_remove(&f->home, &q.ask.key, NULL), DPC_OK);
		asking_end(&q);
	}
}

static bool label_is(void *context, const struct entry_info *info)
{
	return slice_equal(info->label, slice_of(context));
}

static bool text_is(void *context, struct slice label)
{
	return slice_equal(label, slice_of(context));
}

static bool any(void *context, const struct entry_info *info)
{
	(void)context;
	(void)info;
	return true;
}

static void only_what_is_condemned_is_removed_and_counted(void **state)
{
	struct fixture *f = *state;
	struct asking a, b;
	uint64_t count = 10, bytes = 0;
	asking_begin(&a, &f->home, "a", NULL);
	asking_begin(&b, &f->home, "b", NULL);
	assert_int_equal(commit(&a.ask, noise, LARGE), DPC_OK);
	assert_int_equal(commit(&b.ask, "b", 1), DPC_OK);
	assert_int_equal(vault_remove_if(&f->home, label_is, (char *)"a", &count, &bytes, NULL), DPC_OK);
	assert_int_equal(count, 11);
	assert_true(bytes >= LARGE);
	assert_nowhere(&a.ask);
	assert_recalled(&b.ask, "b", 1);
	assert_int_equal(count_files(path_at_home(f, "data"), NULL), 0);
	assert_int_equal(vault_remove_if(&f->home, any, NULL, &count, &bytes, NULL), DPC_OK);
	assert_int_equal(count, 12);
	assert_nowhere(&b.ask);
	assert_int_equal(vault_remove_if(&f->home, any, NULL, &count, &bytes, NULL), DPC_OK);
	assert_int_equal(count, 12);
	asking_end(&a);
	asking_end(&b);
}

static void in_a_home_without_a_store_there_is_nothing_to_remove(void **state)
{
	struct fixture *f = *state;
	uint64_t count = 0, bytes = 0;
	assert_int_equal(vault_remove_if(&f->home, any, NULL, &count, &bytes, NULL), DPC_OK);
	assert_int_equal(count, 0);
}

static void removing_what_is_condemned_voids_no_run(void **state)
{
	struct fixture *f = *state;
	struct asking a;
	struct run run;
	uint64_t count = 0, bytes = 0;
	asking_begin(&a, &f->home, "a", NULL);
	run_begin(&run, &a.ask);
	assert_int_equal(vault_remove_if(&f->home, any, NULL, &count, &bytes, NULL), DPC_OK);
	assert_int_equal(count, 0);
	assert_int_equal(run_commit(&run, &a.ask, "a", 1), DPC_OK);
	run_end(&run);
	asking_end(&a);
}

static void invalidating_a_label_takes_out_its_entries(void **state)
{
	struct fixture *f = *state;
	struct asking a, b;
	asking_begin(&a, &f->home, "a", NULL);
	asking_begin(&b, &f->home, "b", NULL);
	assert_int_equal(commit(&a.ask, noise, LARGE), DPC_OK);
	assert_int_equal(commit(&b.ask, "b", 1), DPC_OK);
	assert_int_equal(vault_invalidate_if(&f->home, text_is, (char *)"a", NULL), DPC_OK);
	assert_nowhere(&a.ask);
	assert_recalled(&b.ask, "b", 1);
	asking_end(&a);
	asking_end(&b);
}

/* As between two of the writes with which a leader ends its run, should it be stopped
 * there. */
static void a_run_whose_label_cannot_be_read_is_voided_whatever_the_label(void **state)
{
	struct fixture *f = *state;
	struct asking a;
	struct run run;
	asking_begin(&a, &f->home, "a", NULL);
	run_begin(&run, &a.ask);
	assert_int_equal(pwrite(run.fd, "?", 1, CAPSULE_VOIDED_AT + 20), 1);
	assert_int_equal(vault_invalidate_if(&f->home, text_is, (char *)"b", NULL), DPC_OK);
	assert_int_equal(run_commit(&run, &a.ask, "a", 1), DPC_MISS);
	run_end(&run);
	assert_nowhere(&a.ask);
	asking_end(&a);
}

static void a_run_that_has_not_begun_is_not_voided(void **state)
{
	struct fixture *f = *state;
	struct asking a;
	struct stat st;
	asking_begin(&a, &f->home, "a", NULL);
	int fd = lock_open(&f->home, &a.ask.key);
	assert_int_equal(lock_try_exclusive(fd), 1);
	assert_int_equal(vault_invalidate_if(&f->home, text_is, (char *)"a", NULL), DPC_OK);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	lock_retire(&f->home, &a.ask.key, fd);
	asking_end(&a);
}

static void invalidating_a_label_voids_its_run_at_work(void **state)
{
	struct fixture *f = *state;
	struct asking a, b;
	struct run run_a, run_b;
	asking_begin(&a, &f->home, "a", NULL);
	asking_begin(&b, &f->home, "b", NULL);
	run_begin(&run_a, &a.ask);
	run_begin(&run_b, &b.ask);
	assert_int_equal(vault_invalidate_if(&f->home, text_is, (char *)"a", NULL), DPC_OK);
	assert_int_equal(run_commit(&run_a, &a.ask, "a", 1), DPC_MISS);
	assert_int_equal(run_commit(&run_b, &b.ask, "b", 1), DPC_OK);
	run_end(&run_a);
	run_end(&run_b);
	assert_nowhere(&a.ask);
	assert_fetched(&b.ask, "b", 1);
	asking_end(&a);
	asking_end(&b);
}

/* --- invalidating everything --- */

static void reopen(struct fixture *f)
{
	home_close(&f->home);
	assert_int_equal(open_home(&f->home, path_in(f, "home"), NULL), DPC_OK);
}

static void invalidate_all_from_elsewhere(const struct fixture *f)
{
	struct home h;
	assert_int_equal(open_home(&h, path_in(f, "home"), NULL), DPC_OK);
	assert_int_equal(vault_invalidate_all(&h, NULL), DPC_OK);
	home_close(&h);
}

static void invalidating_all_invalidates_what_was_there(void **state)
{
	struct fixture *f = *state;
	struct asking q;
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(commit(&q.ask, "a", 1), DPC_OK);
	invalidate_all_from_elsewhere(f);
	asking_end(&q);
	reopen(f);
	asking_begin(&q, &f->home, "a", NULL);
	assert_nowhere(&q.ask);
	assert_int_equal(q.ask.verdict, VERDICT_INVALIDATED);
	assert_int_equal(commit(&q.ask, "new", 3), DPC_OK);
	assert_recalled(&q.ask, "new", 3);
	assert_fetched(&q.ask, "new", 3);
	asking_end(&q);
}

static void invalidating_all_voids_a_run_that_began_before(void **state)
{
	struct fixture *f = *state;
	static const size_t sizes[] = {5, LARGE};
	for (size_t i = 0; i < 2; i++) {
		struct asking q;
		struct run r;
		asking_begin(&q, &f->home, "a", NULL);
		run_begin(&r, &q.ask);
		invalidate_all_from_elsewhere(f);
		assert_int_equal(run_commit(&r, &q.ask, noise, sizes[i]), DPC_MISS);
		run_end(&r);
		assert_int_equal(count_files(path_at_home(f, "data"), NULL), 0);
		asking_end(&q);
		reopen(f);
		asking_begin(&q, &f->home, "a", NULL);
		assert_nowhere(&q.ask);
		asking_end(&q);
	}
}

static void invalidating_twice_is_as_good_as_once(void **state)
{
	struct fixture *f = *state;
	struct asking q;
	for (int i = 0; i < 3; i++)
		invalidate_all_from_elsewhere(f);
	reopen(f);
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(commit(&q.ask, "a", 1), DPC_OK);
	assert_fetched(&q.ask, "a", 1);
	asking_end(&q);
}

/* --- damage --- */

/* The only file below data/. */
static void find_data_file(const struct fixture *f, char path[PATH_MAX])
{
	char command[PATH_MAX + 64];
	snprintf(command, sizeof command, "find '%s/home/data' -type f", f->dir);
	FILE *p = popen(command, "r");
	assert_non_null(p);
	assert_non_null(fgets(path, PATH_MAX, p));
	path[strcspn(path, "\n")] = '\0';
	pclose(p);
}

static void damage_to_a_file_is_never_an_answer(void **state)
{
	struct fixture *f = *state;
	struct asking q;
	char path[PATH_MAX];
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(commit(&q.ask, noise, LARGE), DPC_OK);
	find_data_file(f, path);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	off_t size = lseek(fd, 0, SEEK_END);
	for (off_t at = 0; at < size; at += at < 300 ? 1 : 4099) {
		struct answer found = ANSWER_NONE;
		dpc_error err = {0};
		uint8_t byte;
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		/* The shelf has a description of its own, and needs only the output. */
		if (ask_recall(&found, &q.ask, NULL) == DPC_OK)
			assert_output(&found, noise, LARGE);
		answer_release(&found);
		assert_int_equal(vault_fetch(&found, &q.ask, &err), DPC_MISS);
		/* A word about it; voiding is no damage. */
		if (at < CAPSULE_VOIDED_AT || at >= CAPSULE_VOIDED_AT + 4)
			assert_true(err.message[0]);
		answer_release(&found);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_fetched(&q.ask, noise, LARGE);
	close(fd);
	asking_end(&q);
}

static void a_file_that_is_missing_or_short_is_a_miss_and_replaced(void **state)
{
	struct fixture *f = *state;
	struct asking q;
	char path[PATH_MAX];
	asking_begin(&q, &f->home, "a", NULL);
	for (int missing = 0; missing < 2; missing++) {
		assert_int_equal(commit(&q.ask, noise, LARGE), DPC_OK);
		find_data_file(f, path);
		assert_int_equal(missing ? unlink(path) : truncate(path, LARGE / 2), 0);
		assert_nowhere(&q.ask);
		assert_int_equal(commit(&q.ask, noise, LARGE), DPC_OK);
		assert_recalled(&q.ask, noise, LARGE);
		assert_fetched(&q.ask, noise, LARGE);
		assert_int_equal(count_files(path_at_home(f, "data"), NULL), 1);
	}
	asking_end(&q);
}

static void an_entry_is_loaded_whole_whatever_its_age(void **state)
{
	struct fixture *f = *state;
	static const size_t sizes[] = {5, LARGE};
	for (size_t i = 0; i < 2; i++) {
		struct asking q;
		struct store s;
		struct answer found = ANSWER_NONE;
		struct digest nobody = digest_named("nobody");
		asking_begin(&q, &f->home, "a", NULL);
		assert_int_equal(commit(&q.ask, noise, sizes[i]), DPC_OK);
		assert_int_equal(store_open(&s, &f->home, false, NULL), DPC_OK);
		assert_int_equal(vault_load(&found, &f->home, &s, &q.ask.key, NULL), DPC_OK);
		assert_output(&found, noise, sizes[i]);
		answer_release(&found);
		assert_int_equal(vault_load(&found, &f->home, &s, &nobody, NULL), DPC_MISS);
		answer_release(&found);
		store_close(&s);
		asking_end(&q);
	}
}

static void a_store_that_is_broken_is_told(void **state)
{
	struct fixture *f = *state;
	struct asking q;
	struct answer found = ANSWER_NONE;
	dpc_error err = {0};
	write_text(path_at_home(f, "cache.db"), "nonsense, and enough of it to have a header in another world");
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(vault_fetch(&found, &q.ask, &err), DPC_E_CORRUPT);
	assert_true(err.message[0]);
	assert_int_equal(commit(&q.ask, noise, LARGE), DPC_E_CORRUPT);
	/* No orphan stays behind. */
	assert_int_equal(count_files(path_at_home(f, "data"), NULL), 0);
	answer_release(&found);
	asking_end(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_vault(nothing_is_found_in_a_new_home),
	    with_vault(a_run_that_was_committed_is_on_the_shelf_and_in_the_store),
	    with_vault(what_the_shelf_has_lost_is_fetched_and_laid_there_again),
	    with_vault(who_only_looks_fetches_and_lays_nothing_down),
	    with_vault(a_large_run_lives_in_a_file),
	    with_vault(a_newer_run_replaces_the_older_and_its_file),
	    with_vault(a_run_that_was_over_but_waited_to_be_kept_does_not_replace_a_newer_one),
	    with_vault(a_large_run_in_the_file_of_a_dead_leader_can_be_fetched),
	    with_vault(each_state_of_an_input_has_its_own_entry),
	    with_vault(an_older_entry_does_not_serve_the_impatient),
	    with_vault(what_was_removed_is_nowhere),
	    with_vault(removing_what_never_was_is_a_miss),
	    with_vault(removing_one_leaves_the_others),
	    with_vault(removing_voids_a_run_at_work),
	    with_vault(only_what_is_condemned_is_removed_and_counted),
	    with_vault(in_a_home_without_a_store_there_is_nothing_to_remove),
	    with_vault(removing_what_is_condemned_voids_no_run),
	    with_vault(invalidating_a_label_takes_out_its_entries),
	    with_vault(invalidating_a_label_voids_its_run_at_work),
	    with_vault(a_run_whose_label_cannot_be_read_is_voided_whatever_the_label),
	    with_vault(a_run_that_has_not_begun_is_not_voided),
	    with_vault(invalidating_all_invalidates_what_was_there),
	    with_vault(invalidating_all_voids_a_run_that_began_before),
	    with_vault(invalidating_twice_is_as_good_as_once),
	    with_vault(damage_to_a_file_is_never_an_answer),
	    with_vault(a_file_that_is_missing_or_short_is_a_miss_and_replaced),
	    with_vault(an_entry_is_loaded_whole_whatever_its_age),
	    with_vault(a_store_that_is_broken_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
