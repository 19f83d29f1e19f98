/* Hits, misses and their kin, and how they are counted. */
#include "support.h"

#include "clock.h"
#include "events.h"
#include "stats.h"

#include <fcntl.h>
#include <sys/stat.h>

static void what_was_noted_can_be_taken_once(void **state)
{
	struct fixture *f = *state;
	struct digest key = digest_named("a");
	struct buf log = {0};
	struct event_record r;
	assert_int_equal(events_append(&f->home, EVENT_HIT, &key, 5), EVENT_SIZE);
	assert_int_equal(events_append(&f->home, EVENT_MISS, &key, -1), 2 * EVENT_SIZE);
	assert_int_equal(events_take(&log, &f->home, NULL), DPC_OK);
	assert_int_equal(log.size, 2 * EVENT_SIZE);
	assert_true(events_decode(&r, log.data));
	assert_int_equal(r.event, EVENT_HIT);
	assert_digests_equal(&r.key, &key);
	assert_true(r.saved == 5);
	assert_true(r.time > 0 && r.time <= clock_wall_ns());
	assert_true(events_decode(&r, log.data + EVENT_SIZE));
	assert_int_equal(r.event, EVENT_MISS);
	assert_true(r.saved == -1);
	buf_release(&log);
	assert_int_equal(events_take(&log, &f->home, NULL), DPC_OK);
	assert_int_equal(log.size, 0);
	assert_int_equal(access(path_at_home(f, "events.taken"), F_OK), -1);
	buf_release(&log);
}

static void an_empty_log_is_nothing_to_count(void **state)
{
	/* As a disk that was full when the first event came would leave it. */
	struct fixture *f = *state;
	struct buf log = {0};
	write_text(path_at_home(f, "events"), "");
	assert_int_equal(events_take(&log, &f->home, NULL), DPC_OK);
	assert_int_equal(log.size, 0);
	buf_release(&log);
	write_text(path_at_home(f, "events"), "");
	assert_int_equal(stats_count(&f->home, NULL), DPC_OK);
}

static void what_is_no_event_is_refused(void **state)
{
	struct fixture *f = *state;
	struct digest key = digest_named("a");
	struct buf log = {0};
	struct event_record r;
	uint8_t zeros[EVENT_SIZE] = {0};
	assert_false(events_decode(&r, zeros));
	events_append(&f->home, EVENT_HIT, &key, 5);
	assert_int_equal(events_take(&log, &f->home, NULL), DPC_OK);
	assert_true(events_decode(&r, log.data));
	log.data[4] = 0;
	assert_false(events_decode(&r, log.data));
	log.data[4] = EVENT_COUNT;
	assert_false(events_decode(&r, log.data));
	log.data[4] = EVENT_HIT;
	log.data[7] = 0x80;
	assert_false(events_decode(&r, log.data));
	buf_release(&log);
}

static void a_symbolic_link_is_not_written_through(void **state)
{
	struct fixture *f = *state;
	struct digest key = digest_named("a");
	struct stat st;
	write_text(path_in(f, "elsewhere"), "");
	assert_int_equal(symlink(path_in(f, "elsewhere"), path_at_home(f, "events")), 0);
	assert_int_equal(events_append(&f->home, EVENT_HIT, &key, 5), 0);
	assert_int_equal(stat(path_in(f, "elsewhere"), &st), 0);
	assert_int_equal(st.st_size, 0);
}

static struct counters totals(const struct fixture *f)
{
	struct store s;
	struct counters c;
	assert_int_equal(store_open(&s, &f->home, false, NULL), DPC_OK);
	assert_int_equal(store_totals(&s, &c, NULL), DPC_OK);
	store_close(&s);
	return c;
}

static void counting_adds_up_what_was_noted(void **state)
{
	struct fixture *f = *state;
	struct digest key = digest_named("a");
	events_append(&f->home, EVENT_HIT, &key, 5);
	events_append(&f->home, EVENT_HIT, &key, 7);
	events_append(&f->home, EVENT_FOLLOW, &key, 100);
	events_append(&f->home, EVENT_MISS, &key, 0);
	events_append(&f->home, EVENT_FAILURE, &key, -3);
	events_append(&f->home, EVENT_UNCACHED, &key, 0);
	assert_int_equal(stats_count(&f->home, NULL), DPC_OK);
	struct counters c = totals(f);
	assert_true(c.v[COUNTER_HITS] == 2 && c.v[COUNTER_FOLLOWS] == 1 && c.v[COUNTER_MISSES] == 1);
	assert_true(c.v[COUNTER_FAILURES] == 1 && c.v[COUNTER_UNCACHED] == 1);
	assert_true(c.v[COUNTER_SAVED_NS] == 112);
	/* Once, not twice. */
	assert_int_equal(stats_count(&f->home, NULL), DPC_OK);
	c = totals(f);
	assert_true(c.v[COUNTER_HITS] == 2);
}

static void a_torn_record_costs_only_itself(void **state)
{
	struct fixture *f = *state;
	struct digest key = digest_named("a");
	events_append(&f->home, EVENT_HIT, &key, 1);
	events_append(&f->home, EVENT_HIT, &key, 2);
	events_append(&f->home, EVENT_HIT, &key, 4);
	int fd = open(path_at_home(f, "events"), O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "\0", 1, EVENT_SIZE), 1);
	assert_int_equal(ftruncate(fd, 3 * EVENT_SIZE + 7), 0);
	close(fd);
	assert_int_equal(stats_count(&f->home, NULL), DPC_OK);
	struct counters c = totals(f);
	assert_true(c.v[COUNTER_HITS] == 2);
	assert_true(c.v[COUNTER_SAVED_NS] == 5);
}

enum { WRITERS = 4, EACH = 500 };

static int append_many(void *context)
{
	struct fixture *f = context;
	struct digest key = digest_named("a");
	for (int i = 0; i < EACH; i++)
		if (!events_append(&f->home, EVENT_HIT, &key, 1))
			return 1;
	return 0;
}

static void many_may_note_at_once_and_none_is_torn(void **state)
{
	struct fixture *f = *state;
	pid_t pid[WRITERS];
	for (int i = 0; i < WRITERS; i++)
		pid[i] = child_start(append_many, f);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(child_wait(pid[i]), 0);
	assert_int_equal(stats_count(&f->home, NULL), DPC_OK);
	struct counters c = totals(f);
	assert_true(c.v[COUNTER_HITS] == WRITERS * EACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(what_was_noted_can_be_taken_once),
	    with_home(an_empty_log_is_nothing_to_count),
	    with_home(what_is_no_event_is_refused),
	    with_home(a_symbolic_link_is_not_written_through),
	    with_home(counting_adds_up_what_was_noted),
	    with_home(a_torn_record_costs_only_itself),
	    with_home(many_may_note_at_once_and_none_is_torn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
