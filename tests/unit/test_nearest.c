/* The remembered run that an asking is most like. */
#include "support.h"

#include "lock.h"
#include "meet.h"
#include "nearest.h"
#include "shelf.h"

#include <stdio.h>

static struct fixture *f;

static int nearest_setup(void **state)
{
	int rc = fixture_setup(state);
	f = *state;
	return rc;
}

#define with_runs(test) cmocka_unit_test_setup_teardown(test, nearest_setup, fixture_teardown)

/* A caller of a command, to be changed before it asks. */
struct call {
	struct policy policy;
	struct question question;
	char line[256], *argv[16];
	const char *inputs[4], *env[4];
	struct ask ask;
};

static void call_of(struct call *c, const char *line)
{
	size_t n = 0;
	*c = (struct call){.policy = lenient_policy()};
	snprintf(c->line, sizeof c->line, "%s", line);
	for (char *save = NULL, *w = strtok_r(c->line, " ", &save); w; w = strtok_r(NULL, " ", &save))
		c->argv[n++] = w;
	c->question = (struct question){.argv = c->argv, .inputs = c->inputs, .env = c->env};
}

static void input(struct call *c, const char *path)
{
	c->inputs[c->question.input_count++] = path;
}

static void ask(struct call *c)
{
	assert_int_equal(ask_init(&c->ask, &f->home, &c->policy, &c->question, NULL, NULL), DPC_OK);
	assert_int_equal(ask_observe(&c->ask, NULL), DPC_OK);
}

static void fact(struct call *c, enum observation_kind kind, const char *path)
{
	const struct looker look = {&c->ask.digests, f->home.state.secret};
	assert_int_equal(fact_add(&c->ask.traced, &look, kind, path, NULL), DPC_OK);
}

/* Asked already: its run, remembered. */
static void remember(struct call *c)
{
	struct recorder r;
	char name[LOCK_NAME];
	int fd = lock_open(&f->home, &c->ask.key);
	lock_name(name, &c->ask.key);
	assert_int_equal(lock_try_exclusive(fd), 1);
	assert_int_equal(begin_run(&r, &c->ask, fd), DPC_OK);
	assert_int_equal(end_run(&r, "x", 1), DPC_OK);
	assert_int_equal(vault_commit(&c->ask, &r, name, NULL), DPC_OK);
	lock_retire(&f->home, &c->ask.key, fd);
	recorder_release(&r);
}

static void remember_line(const char *line)
{
	struct call c;
	call_of(&c, line);
	ask(&c);
	remember(&c);
	ask_release(&c.ask);
}

static struct nearest find(struct call *c)
{
	struct nearest n = {.answer = ANSWER_NONE};
	dpc_error err = {0};
	ask_look_only(&c->ask);
	if (nearest_find(&n, &c->ask, &err) != DPC_OK)
		fail_msg("%s", err.message);
	assert_false(n.differences.failed);
	return n;
}

static void assert_label(const struct nearest *n, const char *label)
{
	assert_true(n->found);
	assert_true(slice_equal(n->answer.meta.label, slice_of(label)));
}

static void where_nothing_is_there_is_nothing_near(void **state)
{
	(void)state;
	struct call c;
	call_of(&c, "cc a.c");
	ask(&c);
	struct nearest n = find(&c);
	assert_false(n.found);
	nearest_release(&n);
	assert_int_equal(access(path_at_home(f, "cache.db"), F_OK), -1);
	remember_line("ld a.o");
	n = find(&c);
	assert_false(n.found);
	nearest_release(&n);
	ask_release(&c.ask);
}

static void the_most_alike_of_the_same_command_is_near(void **state)
{
	(void)state;
	struct call c;
	remember_line("cc -O2 -c other.c");
	remember_line("/usr/bin/cc -O0 -c main.c");
	remember_line("cc -O0 -c main.c");
	remember_line("echo -O2 -c main.c");
	call_of(&c, "cc -O2 -c main.c");
	ask(&c);
	struct nearest n = find(&c);
	assert_true(n.found);
	assert_int_equal(n.differences.count, 1);
	assert_int_equal(n.differences.v[0].tag, Q_ARGUMENT);
	nearest_release(&n);
	ask_release(&c.ask);
	call_of(&c, "cc -O0 -g -c main.c");
	ask(&c);
	n = find(&c);
	assert_label(&n, "cc -O0 -c main.c");
	nearest_release(&n);
	ask_release(&c.ask);
}

static void of_all_that_are_alike_the_nearest_is_among_the_opened(void **state)
{
	(void)state;
	struct call c;
	char line[64];
	for (int i = 0; i < 40; i++) {
		snprintf(line, sizeof line, "tool %d %d", i, i);
		remember_line(line);
	}
	call_of(&c, "tool 3 5");
	c.question.salt = "new";
	ask(&c);
	struct nearest n = find(&c);
	assert_true(n.found);
	assert_int_equal(n.differences.count, 2);
	nearest_release(&n);
	ask_release(&c.ask);
}

static void remember_state(struct call *c, const char *a, const char *b)
{
	write_text(path_in(f, "a"), a);
	write_text(path_in(f, "b"), b);
	call_of(c, "tool");
	input(c, path_in(f, "a"));
	input(c, path_in(f, "b"));
	ask(c);
	remember(c);
	ask_release(&c->ask);
}

/* With the shelf, and without it. */
static void of_the_same_question_that_of_the_fewest_changes_is_near(void **state)
{
	(void)state;
	struct call c;
	struct nearest n;
	char a[PATH_MAX];
	snprintf(a, sizeof a, "%s", path_in(f, "a"));
	remember_state(&c, "1", "1");
	remember_state(&c, "2", "2");
	remember_line("tool");
	write_text(a, "3");
	write_text(path_in(f, "b"), "1");
	for (int shelved = 1; shelved >= 0; shelved--) {
		call_of(&c, "tool");
		input(&c, a);
		input(&c, path_in(f, "b"));
		ask(&c);
		if (!shelved)
			shelf_clear(&f->home);
		n = find(&c);
		assert_true(n.found);
		assert_int_equal(n.differences.count, 1);
		assert_int_equal(n.differences.v[0].of, OF_INPUT);
		assert_true(slice_equal(n.differences.v[0].name, slice_of(a)));
		nearest_release(&n);
		ask_release(&c.ask);
	}
}

static void what_the_store_has_lost_is_near_on_the_shelf(void **state)
{
	(void)state;
	struct call c;
	remember_state(&c, "1", "1");
	write_text(path_in(f, "a"), "2");
	write_text(path_at_home(f, "cache.db"), "nonsense");
	call_of(&c, "tool");
	input(&c, path_in(f, "a"));
	input(&c, path_in(f, "b"));
	ask(&c);
	ask_look_only(&c.ask);
	struct nearest n = {.answer = ANSWER_NONE};
	dpc_error err = {0};
	assert_int_equal(nearest_find(&n, &c.ask, &err), DPC_E_CORRUPT);
	assert_true(err.message[0]);
	assert_true(n.found);
	assert_int_equal(n.differences.count, 1);
	nearest_release(&n);
	ask_release(&c.ask);
}

static void call_traced(struct call *c)
{
	call_of(c, "tool");
	c->question.trace = TRACE_PRELOAD;
	ask(c);
}

static void a_traced_run_differs_in_the_facts_that_no_longer_hold(void **state)
{
	(void)state;
	struct call c;
	char gone[PATH_MAX];
	snprintf(gone, sizeof gone, "%s", path_in(f, "gone"));
	write_text(path_in(f, "a"), "1");
	write_text(gone, "1");
	unsetenv("NEAREST_TEST");
	call_traced(&c);
	fact(&c, OBSERVED_FILE, path_in(f, "a"));
	fact(&c, OBSERVED_FILE, gone);
	fact(&c, OBSERVED_NO_NAME, path_in(f, "new"));
	fact(&c, OBSERVED_VARIABLE, "NEAREST_TEST");
	remember(&c);
	ask_release(&c.ask);
	unlink(gone);
	setenv("NEAREST_TEST", "1", 1);
	for (int shelved = 1; shelved >= 0; shelved--) {
		call_traced(&c);
		if (!shelved)
			shelf_clear(&f->home);
		struct nearest n = find(&c);
		assert_true(n.found);
		assert_false(n.answer.capsule.flags & CAPSULE_MANIFEST);
		assert_int_equal(n.differences.count, 2);
		assert_int_equal(n.differences.v[0].of, OF_TRACED);
		assert_true(slice_equal(n.differences.v[0].name, slice_of(gone)));
		assert_int_equal(n.differences.v[0].change, CHANGE_VANISHED);
		assert_int_equal(n.differences.v[1].change, CHANGE_APPEARED);
		nearest_release(&n);
		ask_release(&c.ask);
	}
	unsetenv("NEAREST_TEST");
}

/* As run decides, on the shelf, then in the store, and nothing is laid down. */
static void a_traced_run_that_holds_is_a_hit_for_who_only_looks(void **state)
{
	(void)state;
	struct call c;
	write_text(path_in(f, "a"), "1");
	call_traced(&c);
	fact(&c, OBSERVED_FILE, path_in(f, "a"));
	remember(&c);
	ask_release(&c.ask);
	for (int i = 0; i < 3; i++) {
		enum meeting how;
		call_traced(&c);
		ask_look_only(&c.ask);
		struct meet m = MEET_OF(&c.ask, vault_fetch);
		assert_int_equal(meet_callers(&how, &m, NULL), DPC_OK);
		assert_int_equal(how, i < 2 ? MEET_HIT : MEET_ALONE);
		if (i == 0)
			shelf_clear(&f->home);
		else
			write_text(path_in(f, "a"), "2");
		assert_int_equal(count_files(path_at_home(f, "shelf"), NULL), 0);
		meet_release(&m);
		ask_release(&c.ask);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_runs(where_nothing_is_there_is_nothing_near),
	    with_runs(the_most_alike_of_the_same_command_is_near),
	    with_runs(of_all_that_are_alike_the_nearest_is_among_the_opened),
	    with_runs(of_the_same_question_that_of_the_fewest_changes_is_near),
	    with_runs(what_the_store_has_lost_is_near_on_the_shelf),
	    with_runs(a_traced_run_differs_in_the_facts_that_no_longer_hold),
	    with_runs(a_traced_run_that_holds_is_a_hit_for_who_only_looks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
