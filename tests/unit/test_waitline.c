/* The one line that a waiting follower shows to somebody at a terminal. */
#include "support.h"

#include "waitline.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

#define SECONDS(n) ((int64_t)(n) * 1000000000)

static void assert_text(struct waitline_facts f, const char *expected)
{
	char text[WAITLINE_SIZE];
	waitline_text(text, &f);
	assert_string_equal(text, expected);
}

static void it_says_who_runs_for_how_long_and_how_many_wait(void **state)
{
	(void)state;
	assert_text((struct waitline_facts){1234, SECONDS(12), SECONDS(40), 3},
	            "dpcache: waiting for pid 1234 (running 12 s, usually 40 s, 3 waiting)");
}

static void what_is_not_known_is_left_out(void **state)
{
	(void)state;
	assert_text((struct waitline_facts){0, -1, 0, 0}, "dpcache: waiting for another's run");
	assert_text((struct waitline_facts){7, -1, 0, 1}, "dpcache: waiting for pid 7");
	assert_text((struct waitline_facts){7, SECONDS(2), 0, 0}, "dpcache: waiting for pid 7 (running 2 s)");
	assert_text((struct waitline_facts){7, -1, SECONDS(3), 1}, "dpcache: waiting for pid 7 (usually 3 s)");
	assert_text((struct waitline_facts){0, -1, 0, 2}, "dpcache: waiting for another's run (2 waiting)");
}

static void durations_are_told_in_the_two_largest_units(void **state)
{
	(void)state;
	assert_text((struct waitline_facts){7, 0, 1, 0}, "dpcache: waiting for pid 7 (running under 1 s, usually under 1 s)");
	assert_text((struct waitline_facts){7, SECONDS(59) + 999999999, SECONDS(60), 0},
	            "dpcache: waiting for pid 7 (running 59 s, usually 1 min 0 s)");
	assert_text((struct waitline_facts){7, SECONDS(200), SECONDS(3599), 0},
	            "dpcache: waiting for pid 7 (running 3 min 20 s, usually 59 min 59 s)");
	assert_text((struct waitline_facts){7, SECONDS(3600), SECONDS(7500), 0},
	            "dpcache: waiting for pid 7 (running 1 h 0 min, usually 2 h 5 min)");
}

static void the_longest_fits(void **state)
{
	(void)state;
	char text[WAITLINE_SIZE];
	waitline_text(text, &(struct waitline_facts){UINT32_MAX, INT64_MAX, INT64_MAX, UINT32_MAX});
	assert_int_equal(text[strlen(text) - 1], ')');
}

/* --- at a terminal --- */

struct terminal {
	int ours, theirs; /* what the user sees comes out of `ours` */
};

static void open_terminal(struct terminal *t, unsigned short columns)
{
	struct winsize size = {.ws_row = 25, .ws_col = columns};
	struct termios raw = {0};
	cfmakeraw(&raw);
	assert_int_equal(openpty(&t->ours, &t->theirs, NULL, &raw, &size), 0);
	assert_int_equal(fcntl(t->ours, F_SETFL, O_NONBLOCK), 0);
}

static void close_terminal(struct terminal *t)
{
	close(t->ours);
	close(t->theirs);
}

static void assert_seen(const struct terminal *t, const char *expected)
{
	char got[512];
	size_t have = 0, want = strlen(expected);
	while (have < want) {
		struct pollfd p = {.fd = t->ours, .events = POLLIN};
		assert_int_equal(poll(&p, 1, 60000), 1);
		ssize_t n = read(t->ours, got + have, sizeof got - 1 - have);
		assert_true(n > 0);
		have += (size_t)n;
	}
	assert_true(read(t->ours, got + have, 1) < 0);
	got[have] = '\0';
	assert_string_equal(got, expected);
}

static void it_is_written_over_itself_and_erased(void **state)
{
	(void)state;
	struct terminal t;
	struct waitline w;
	struct waitline_facts f = {7, SECONDS(1), 0, 0};
	open_terminal(&t, 0);
	waitline_init(&w, t.theirs);
	/* Nothing is shown, so there is nothing to erase. */
	waitline_erase(&w);
	waitline_show(&w, &f);
	assert_seen(&t, "\r\033[Kdpcache: waiting for pid 7 (running 1 s)");
	f.running += 5;
	waitline_show(&w, &f);
	assert_seen(&t, "");
	f.running += SECONDS(1);
	waitline_show(&w, &f);
	assert_seen(&t, "\r\033[Kdpcache: waiting for pid 7 (running 2 s)");
	waitline_erase(&w);
	assert_seen(&t, "\r\033[K");
	waitline_erase(&w);
	assert_seen(&t, "");
	waitline_show(&w, &f);
	assert_seen(&t, "\r\033[Kdpcache: waiting for pid 7 (running 2 s)");
	close_terminal(&t);
}

static void it_is_cut_where_it_would_wrap(void **state)
{
	(void)state;
	struct terminal t;
	struct waitline w;
	open_terminal(&t, 20);
	waitline_init(&w, t.theirs);
	waitline_show(&w, &(struct waitline_facts){7, SECONDS(1), 0, 0});
	assert_seen(&t, "\r\033[Kdpcache: waiting fo");
	close_terminal(&t);
}

static void nothing_is_shown_where_there_is_no_terminal(void **state)
{
	(void)state;
	struct waitline w;
	struct terminal t = {0};
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	t.ours = ends[0];
	assert_int_equal(fcntl(t.ours, F_SETFL, O_NONBLOCK), 0);
	waitline_init(&w, ends[1]);
	waitline_show(&w, &(struct waitline_facts){7, 0, 0, 0});
	waitline_erase(&w);
	assert_seen(&t, "");
	close(ends[0]);
	close(ends[1]);
	waitline_init(&w, -1);
	waitline_show(&w, &(struct waitline_facts){7, 0, 0, 0});
}

struct session {
	struct terminal t;
	struct gate shown, seen;
};

static int show(void *context)
{
	struct session *s = context;
	struct waitline w;
	if (setpgid(0, 0) < 0)
		return 1;
	waitline_init(&w, s->t.theirs);
	waitline_show(&w, &(struct waitline_facts){8, -1, 0, 0});
	return 0;
}

/* A session of its own with the terminal, first in the foreground. It lives
 * until all was seen: with it the terminal hangs up. */
static int show_from_the_background(void *context)
{
	struct session *s = context;
	struct waitline w;
	int rc = setsid() < 0 || ioctl(s->t.theirs, TIOCSCTTY, 0) < 0;
	waitline_init(&w, s->t.theirs);
	waitline_show(&w, &(struct waitline_facts){7, -1, 0, 0});
	rc |= child_wait(child_start(show, s));
	gate_open(&s->shown);
	gate_wait(&s->seen);
	return rc;
}

static void a_job_in_the_background_shows_nothing(void **state)
{
	(void)state;
	struct session s;
	open_terminal(&s.t, 80);
	gate_init(&s.shown);
	gate_init(&s.seen);
	pid_t pid = child_start(show_from_the_background, &s);
	gate_wait(&s.shown);
	assert_seen(&s.t, "\r\033[Kdpcache: waiting for pid 7");
	gate_open(&s.seen);
	assert_int_equal(child_wait(pid), 0);
	gate_release(&s.shown);
	gate_release(&s.seen);
	close_terminal(&s.t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_says_who_runs_for_how_long_and_how_many_wait),
	    cmocka_unit_test(what_is_not_known_is_left_out),
	    cmocka_unit_test(durations_are_told_in_the_two_largest_units),
	    cmocka_unit_test(the_longest_fits),
	    cmocka_unit_test(it_is_written_over_itself_and_erased),
	    cmocka_unit_test(it_is_cut_where_it_would_wrap),
	    cmocka_unit_test(nothing_is_shown_where_there_is_no_terminal),
	    cmocka_unit_test(a_job_in_the_background_shows_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
