/* The meeting of callers at one key: recall, follow or lead. */
#include "support.h"

#include "backoff.h"
#include "lock.h"
#include "meet.h"
#include "vault.h"

#include <stdio.h>

static struct fixture *f;

static int meet_setup(void **state)
{
	parents_lock = -1;
	unsetenv(MEET_RUNNING);
	int rc = fixture_setup(state);
	f = *state;
	return rc;
}

#define with_meeting(test) cmocka_unit_test_setup_teardown(test, meet_setup, fixture_teardown)

static const char *lock_path(const struct digest *key)
{
	char name[LOCK_NAME];
	lock_name(name, key);
	return path_at_home(f, name);
}

static enum meeting meet(struct meet *m, struct asking *q)
{
	enum meeting outcome;
	dpc_error err = {0};
	*m = MEET_OF(&q->ask, vault_fetch);
	if (meet_callers(&outcome, m, &err) != DPC_OK)
		fail_msg("%s", err.message);
	return outcome;
}

/* A leader's run in the lock that meet_callers gave. */
static void lead(struct meet *m, struct recorder *r)
{
	parents_lock = m->lock;
	assert_int_equal(begin_run(r, m->ask, m->lock), DPC_OK);
}

static int keep(struct meet *m, struct recorder *r, const char *output)
{
	char name[LOCK_NAME];
	lock_name(name, &m->ask->key);
	assert_int_equal(end_run(r, output, strlen(output)), DPC_OK);
	return vault_commit(m->ask, r, name, NULL);
}

static void retire(struct meet *m, struct recorder *r)
{
	lock_retire(m->ask->home, &m->ask->key, m->lock);
	recorder_release(r);
	parents_lock = -1;
}

/* Another process with the same question: its exit status is the outcome. */
static int caller(void *context)
{
	(void)context;
	struct home h;
	struct policy p = lenient_policy();
	struct question q = {.name = slice_of("a")};
	struct ask a;
	enum meeting outcome;
	if (open_home(&h, path_in(f, "home"), NULL) != DPC_OK || ask_init(&a, &h, &p, &q, NULL, NULL) != DPC_OK)
		return 100;
	struct meet m = {.ask = &a, .fetch = vault_fetch, .lock = -1, .answer = ANSWER_NONE};
	if (meet_callers(&outcome, &m, NULL) != DPC_OK)
		return 101;
	return (int)outcome;
}

static void the_first_leads_and_the_next_finds_its_answer(void **state)
{
	(void)state;
	struct asking q;
	struct meet m;
	struct recorder r;
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(meet(&m, &q), MEET_LEAD);
	assert_true(m.lock >= 0);
	lead(&m, &r);
	assert_int_equal(keep(&m, &r, "answer"), DPC_OK);
	retire(&m, &r);
	assert_int_equal(meet(&m, &q), MEET_HIT);
	assert_int_equal(m.lock, -1);
	struct buf got = {0};
	read_frames(&got, &m.answer.frames);
	assert_true(slice_equal(slice_of_buf(&got), slice_of("answer")));
	buf_release(&got);
	answer_release(&m.answer);
	assert_int_equal(access(lock_path(&q.ask.key), F_OK), -1);
	asking_end(&q);
}

static void who_waits_gets_what_the_leader_found(void **state)
{
	(void)state;
	struct asking q;
	struct meet m;
	struct recorder r;
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(meet(&m, &q), MEET_LEAD);
	lead(&m, &r);
	pid_t pid = child_start(caller, NULL);
	until_blocked(lock_path(&q.ask.key), 0, 1);
	/* Not committed: who is waiting gets it all the same. */
	assert_int_equal(end_run(&r, "x", 1), DPC_OK);
	retire(&m, &r);
	assert_int_equal(child_wait(pid), MEET_FOLLOWED);
	asking_end(&q);
}

static void who_comes_after_everything_was_invalidated_does_not_take_an_older_run(void **state)
{
	/* The run began before; this caller asks after. It must not be answered by
	 * what was to be forgotten; it waits, and runs anew. */
	(void)state;
	struct asking q;
	struct meet m;
	struct recorder r;
	struct home elsewhere;
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(meet(&m, &q), MEET_LEAD);
	lead(&m, &r);
	assert_int_equal(open_home(&elsewhere, path_in(f, "home"), NULL), DPC_OK);
	assert_int_equal(vault_invalidate_all(&elsewhere, NULL), DPC_OK);
	home_close(&elsewhere);
	pid_t pid = child_start(caller, NULL);
	until_blocked(lock_path(&q.ask.key), 0, 1);
	assert_int_equal(keep(&m, &r, "old"), DPC_MISS);
	retire(&m, &r);
	int outcome = child_wait(pid);
	assert_true(outcome == MEET_LEAD || outcome == MEET_ALONE);
	asking_end(&q);
}

static void who_comes_after_its_key_was_removed_does_not_take_an_older_run(void **state)
{
	(void)state;
	struct asking q;
	struct meet m;
	struct recorder r;
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(meet(&m, &q), MEET_LEAD);
	lead(&m, &r);
	assert_int_equal(vault_remove(&f->home, &q.ask.key, NULL), DPC_OK);
	pid_t pid = child_start(caller, NULL);
	until_blocked(lock_path(&q.ask.key), 0, 1);
	assert_int_equal(keep(&m, &r, "old"), DPC_MISS);
	retire(&m, &r);
	assert_int_equal(child_wait(pid), MEET_LEAD);
	asking_end(&q);
}

static void a_key_asked_for_inside_its_own_run_is_nested(void **state)
{
	(void)state;
	struct asking q;
	struct meet m;
	char hex[DIGEST_HEX], running[2 * DIGEST_HEX];
	asking_begin(&q, &f->home, "a", NULL);
	digest_hex(hex, &q.ask.key);
	snprintf(running, sizeof running, "0123:%s", hex);
	setenv(MEET_RUNNING, running, 1);
	assert_int_equal(meet(&m, &q), MEET_NESTED);
	assert_int_equal(m.lock, -1);
	/* Another key's run is no hindrance. */
	hex[0] = hex[0] == '0' ? '1' : '0';
	setenv(MEET_RUNNING, hex, 1);
	assert_int_equal(meet(&m, &q), MEET_LEAD);
	lock_retire(&f->home, &q.ask.key, m.lock);
	unsetenv(MEET_RUNNING);
	asking_end(&q);
}

static void without_coalescing_there_is_no_lock(void **state)
{
	(void)state;
	struct asking q;
	struct meet m;
	asking_begin(&q, &f->home, "a", NULL);
	q.policy.no_coalesce = true;
	assert_int_equal(meet(&m, &q), MEET_ALONE);
	assert_int_equal(m.lock, -1);
	assert_int_equal(access(lock_path(&q.ask.key), F_OK), -1);
	asking_end(&q);
}

static void a_refresh_leads_though_there_is_an_answer(void **state)
{
	(void)state;
	struct asking q;
	struct meet m;
	struct recorder r;
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(meet(&m, &q), MEET_LEAD);
	lead(&m, &r);
	assert_int_equal(keep(&m, &r, "answer"), DPC_OK);
	retire(&m, &r);
	q.policy.refresh = true;
	assert_int_equal(meet(&m, &q), MEET_LEAD);
	meet_release(&m);
	lock_retire(&f->home, &q.ask.key, m.lock);
	asking_end(&q);
}

static void patience_may_end(void **state)
{
	(void)state;
	struct asking q, other;
	struct meet leader, m;
	asking_begin(&q, &f->home, "a", NULL);
	asking_begin(&other, &f->home, "a", NULL);
	assert_int_equal(meet(&leader, &q), MEET_LEAD);
	other.policy.wait = 0;
	assert_int_equal(meet(&m, &other), MEET_TIMED_OUT);
	assert_int_equal(m.lock, -1);
	lock_retire(&f->home, &q.ask.key, leader.lock);
	asking_end(&q);
	asking_end(&other);
}

static void a_store_that_cannot_be_asked_is_a_miss_with_a_word(void **state)
{
	(void)state;
	struct asking q;
	struct meet m;
	write_text(path_at_home(f, "cache.db"), "nonsense, and enough of it to have a header in another world");
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(meet(&m, &q), MEET_LEAD);
	assert_true(m.store_down);
	assert_int_equal(m.store_error.code, DPC_E_CORRUPT);
	lock_retire(&f->home, &q.ask.key, m.lock);
	asking_end(&q);
}

static void a_lock_brought_along_is_led_with_or_given_back(void **state)
{
	/* The front takes the lock and the core goes on with it. */
	(void)state;
	struct asking q;
	struct meet m;
	struct recorder r;
	enum meeting outcome;
	asking_begin(&q, &f->home, "a", NULL);
	assert_int_equal(meet(&m, &q), MEET_LEAD);
	int lock = m.lock;
	m = (struct meet){.ask = &q.ask, .fetch = vault_fetch, .lock = lock, .claim = -1, .answer = ANSWER_NONE};
	assert_int_equal(meet_callers(&outcome, &m, NULL), DPC_OK);
	assert_int_equal(outcome, MEET_LEAD);
	assert_int_equal(m.lock, lock);
	lead(&m, &r);
	assert_int_equal(keep(&m, &r, "answer"), DPC_OK);
	recorder_release(&r);
	/* Answered meanwhile: the lock is not kept. */
	assert_int_equal(meet_callers(&outcome, &m, NULL), DPC_OK);
	assert_int_equal(outcome, MEET_HIT);
	assert_int_equal(m.lock, -1);
	assert_int_equal(access(lock_path(&q.ask.key), F_OK), -1);
	answer_release(&m.answer);
	asking_end(&q);
}

/* --- past the ttl --- */

#define HOUR (INT64_C(3600) * 1000000000)

/* Something remembered that is past the ttl of `q` at once. */
static void remember(struct asking *q, const char *output)
{
	struct meet m;
	struct recorder r;
	asking_begin(q, &f->home, "a", NULL);
	assert_int_equal(meet(&m, q), MEET_LEAD);
	lead(&m, &r);
	assert_int_equal(keep(&m, &r, output), DPC_OK);
	retire(&m, &r);
	q->policy.ttl = 0;
}

static void assert_answer(const struct answer *a, const char *output)
{
	struct buf got = {0};
	assert_non_null(a->bytes.data);
	read_frames(&got, &a->frames);
	assert_true(slice_equal(slice_of_buf(&got), slice_of(output)));
	buf_release(&got);
}

static void a_stale_answer_comes_with_the_lock_to_refresh_it_for_one_alone(void **state)
{
	(void)state;
	struct asking q;
	struct meet one, other;
	remember(&q, "old");
	q.policy.stale = HOUR;
	assert_int_equal(meet(&one, &q), MEET_REFRESH);
	assert_true(meet_take_refresh(&one));
	assert_true(one.lock >= 0);
	assert_true(one.refresh_of == one.answer.capsule.created.wall);
	assert_answer(&one.answer, "old");
	assert_int_equal(meet(&other, &q), MEET_STALE);
	assert_int_equal(other.lock, -1);
	assert_answer(&other.answer, "old");
	meet_release(&one);
	meet_release(&other);
	meet_abandon(&one);
	assert_int_equal(access(lock_path(&q.ask.key), F_OK), -1);
	asking_end(&q);
}

static void a_lock_brought_along_to_refresh_is_led_with_and_the_old_answer_kept(void **state)
{
	(void)state;
	struct asking q;
	struct meet m;
	enum meeting outcome;
	remember(&q, "old");
	q.policy.stale = HOUR;
	assert_int_equal(meet(&m, &q), MEET_REFRESH);
	assert_true(meet_take_refresh(&m));
	meet_release(&m);
	assert_int_equal(meet_callers(&outcome, &m, NULL), DPC_OK);
	assert_int_equal(outcome, MEET_LEAD);
	assert_answer(&m.old, "old");
	assert_int_equal(m.old_verdict, VERDICT_STALE);
	meet_release(&m);
	meet_abandon(&m);
	asking_end(&q);
}

static void a_lock_brought_along_to_refresh_what_another_has_refreshed_is_given_back(void **state)
{
	(void)state;
	struct asking q;
	struct meet m;
	struct recorder r;
	enum meeting outcome;
	remember(&q, "old");
	q.policy.stale = HOUR;
	assert_int_equal(meet(&m, &q), MEET_REFRESH);
	meet_release(&m);
	lead(&m, &r);
	assert_int_equal(keep(&m, &r, "new"), DPC_OK);
	recorder_release(&r);
	q.policy.ttl = HOUR;
	assert_int_equal(meet_callers(&outcome, &m, NULL), DPC_OK);
	assert_int_equal(outcome, MEET_HIT);
	assert_int_equal(m.lock, -1);
	assert_answer(&m.answer, "new");
	meet_release(&m);
	asking_end(&q);
}

static void nothing_is_refreshed_in_the_pause_nor_where_nothing_is_written(void **state)
{
	(void)state;
	struct asking q;
	struct meet m;
	remember(&q, "old");
	q.policy.stale = HOUR;
	q.policy.no_write = true;
	assert_int_equal(meet(&m, &q), MEET_STALE);
	meet_release(&m);
	q.policy.no_write = false;
	q.policy.ttl_fail = HOUR;
	backoff_note(&f->home, &q.ask.key);
	assert_int_equal(meet(&m, &q), MEET_STALE);
	meet_release(&m);
	assert_int_equal(access(lock_path(&q.ask.key), F_OK), -1);
	backoff_clear(&f->home, &q.ask.key);
	assert_int_equal(meet(&m, &q), MEET_REFRESH);
	meet_release(&m);
	meet_abandon(&m);
	asking_end(&q);
}

static void what_is_too_old_is_kept_to_fall_back_on(void **state)
{
	(void)state;
	static const struct {
		int64_t window;
		enum verdict verdict;
	} cases[] = {{0, VERDICT_EXPIRED}, {HOUR, VERDICT_FOR_ERROR}};
	struct asking q;
	struct meet m;
	remember(&q, "old");
	for (size_t i = 0; i < 2; i++) {
		q.policy.stale_if_error = cases[i].window;
		assert_int_equal(meet(&m, &q), MEET_LEAD);
		assert_answer(&m.old, "old");
		assert_int_equal(m.old_verdict, cases[i].verdict);
		meet_release(&m);
		meet_abandon(&m);
	}
	asking_end(&q);
}

static void in_the_pause_the_old_answer_comes_without_a_run(void **state)
{
	(void)state;
	struct asking q;
	struct meet m;
	remember(&q, "old");
	q.policy.stale_if_error = HOUR;
	q.policy.ttl_fail = HOUR;
	backoff_note(&f->home, &q.ask.key);
	assert_int_equal(meet(&m, &q), MEET_STALE);
	assert_answer(&m.answer, "old");
	assert_int_equal(q.ask.verdict, VERDICT_FOR_ERROR);
	meet_release(&m);
	/* Not to one whose window does not reach so far. */
	q.policy.stale_if_error = 0;
	assert_int_equal(meet(&m, &q), MEET_LEAD);
	meet_release(&m);
	meet_abandon(&m);
	asking_end(&q);
}

/* One with an old answer to fall back on, good for an hour. */
static int careful_caller(void *context)
{
	(void)context;
	struct home h;
	struct policy p = lenient_policy();
	struct question q = {.name = slice_of("a")};
	struct ask a;
	enum meeting outcome;
	p.ttl = 0;
	p.stale_if_error = p.ttl_fail = HOUR;
	parse_exit_set(&p.cache_exit, "0");
	if (open_home(&h, path_in(f, "home"), NULL) != DPC_OK || ask_init(&a, &h, &p, &q, NULL, NULL) != DPC_OK)
		return 100;
	struct meet m = MEET_OF(&a, vault_fetch);
	return meet_callers(&outcome, &m, NULL) == DPC_OK ? (int)outcome : 101;
}

static void who_follows_a_failure_falls_back(void **state)
{
	(void)state;
	struct asking q;
	struct meet m;
	struct recorder r;
	remember(&q, "old");
	assert_int_equal(meet(&m, &q), MEET_LEAD);
	lead(&m, &r);
	pid_t careful = child_start(careful_caller, NULL), plain = child_start(caller, NULL);
	assert_int_equal(child_wait(plain), MEET_HIT);
	until_blocked(lock_path(&q.ask.key), 0, 1);
	r.capsule.status = 1 << 8;
	assert_int_equal(end_run(&r, "failure", 7), DPC_OK);
	retire(&m, &r);
	assert_int_equal(child_wait(careful), MEET_STALE);
	meet_release(&m);
	asking_end(&q);
}

static void who_takes_the_lead_from_a_failure_finds_the_pause(void **state)
{
	/* It has waited, and leads now: but the source has failed just before. */
	(void)state;
	struct asking q;
	struct meet m;
	remember(&q, "old");
	assert_int_equal(meet(&m, &q), MEET_LEAD);
	parents_lock = m.lock;
	pid_t careful = child_start(careful_caller, NULL);
	until_blocked(lock_path(&q.ask.key), 0, 1);
	backoff_note(&f->home, &q.ask.key);
	meet_abandon(&m);
	assert_int_equal(child_wait(careful), MEET_STALE);
	assert_int_equal(access(lock_path(&q.ask.key), F_OK), -1);
	meet_release(&m);
	asking_end(&q);
}

static void who_only_looks_takes_neither_lead_nor_claim(void **state)
{
	(void)state;
	struct asking q, cold;
	struct meet m;
	remember(&q, "old");
	q.policy.stale = HOUR;
	ask_look_only(&q.ask);
	assert_int_equal(meet(&m, &q), MEET_STALE);
	assert_int_equal(m.claim, -1);
	assert_answer(&m.answer, "old");
	meet_release(&m);
	asking_begin(&cold, &f->home, "b", NULL);
	ask_look_only(&cold.ask);
	assert_int_equal(meet(&m, &cold), MEET_ALONE);
	assert_int_equal(m.lock, -1);
	assert_int_equal(access(lock_path(&cold.ask.key), F_OK), -1);
	meet_release(&m);
	asking_end(&cold);
	asking_end(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_meeting(the_first_leads_and_the_next_finds_its_answer),
	    with_meeting(who_waits_gets_what_the_leader_found),
	    with_meeting(who_comes_after_everything_was_invalidated_does_not_take_an_older_run),
	    with_meeting(who_comes_after_its_key_was_removed_does_not_take_an_older_run),
	    with_meeting(a_key_asked_for_inside_its_own_run_is_nested),
	    with_meeting(without_coalescing_there_is_no_lock),
	    with_meeting(a_refresh_leads_though_there_is_an_answer),
	    with_meeting(patience_may_end),
	    with_meeting(a_store_that_cannot_be_asked_is_a_miss_with_a_word),
	    with_meeting(a_lock_brought_along_is_led_with_or_given_back),
	    with_meeting(a_stale_answer_comes_with_the_lock_to_refresh_it_for_one_alone),
	    with_meeting(a_lock_brought_along_to_refresh_is_led_with_and_the_old_answer_kept),
	    with_meeting(a_lock_brought_along_to_refresh_what_another_has_refreshed_is_given_back),
	    with_meeting(nothing_is_refreshed_in_the_pause_nor_where_nothing_is_written),
	    with_meeting(what_is_too_old_is_kept_to_fall_back_on),
	    with_meeting(in_the_pause_the_old_answer_comes_without_a_run),
	    with_meeting(who_follows_a_failure_falls_back),
	    with_meeting(who_takes_the_lead_from_a_failure_finds_the_pause),
	    with_meeting(who_only_looks_takes_neither_lead_nor_claim),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
