/* Who makes and removes names while a command is at work. */
#include "support.h"

#include "fact.h"
#include "vigil.h"

#include <stdio.h>

/* One vigil over dir, in which "own" is the command's. */
struct watched {
	struct fixture *f;
	struct vigil vigil;
};

static bool is_own(void *context, const char *path)
{
	(void)context;
	const char *slash = strrchr(path, '/');
	return strcmp(slash + 1, "own") == 0;
}

static struct digest listing_now(const char *path)
{
	const struct looker nobody = {0};
	struct observations o = {0};
	assert_int_equal(fact_add(&o, &nobody, OBSERVED_LISTING, path, NULL), DPC_OK);
	struct digest digest = o.v[0].digest;
	observations_release(&o);
	return digest;
}

static void begin(struct watched *w, void **state)
{
	*w = (struct watched){.f = *state};
	assert_int_equal(chdir(w->f->dir), 0);
	vigil_begin(&w->vigil);
	if (w->vigil.fd < 0)
		skip(); /* there are no more of them to be had */
}

/* Is it known what was in it? */
static bool is_known(const struct watched *w, const char *name)
{
	return vigil_names(&w->vigil, *name ? path_in(w->f, name) : w->f->dir);
}

static void end(struct watched *w)
{
	vigil_end(&w->vigil, is_own, NULL);
}

static void release(struct watched *w)
{
	vigil_release(&w->vigil);
}

static void what_the_command_makes_and_removes_does_not_count(void **state)
{
	struct watched w;
	struct fixture *f = *state;
	write_text(path_in(f, "source"), "");
	struct digest before = listing_now(f->dir);
	begin(&w, state);
	write_text(path_in(f, "own"), "");
	end(&w);
	assert_true(is_known(&w, ""));
	assert_digests_equal(vigil_names(&w.vigil, f->dir), &before);
	struct digest now = listing_now(f->dir);
	assert_digests_differ(&now, &before);
	release(&w);
}

static void names_of_others_disturb_their_directory_and_no_other(void **state)
{
	struct watched w;
	struct fixture *f = *state;
	make_directory(path_in(f, "sub"));
	begin(&w, state);
	write_text(path_in(f, "sub/other"), "");
	end(&w);
	assert_true(is_known(&w, ""));
	assert_false(is_known(&w, "sub"));
	release(&w);
}

static void so_do_names_that_are_gone_again(void **state)
{
	struct watched w;
	struct fixture *f = *state;
	begin(&w, state);
	write_text(path_in(f, "other"), "");
	assert_int_equal(unlink(path_in(f, "other")), 0);
	end(&w);
	assert_false(is_known(&w, ""));
	release(&w);
}

static void what_is_in_a_file_does_not(void **state)
{
	struct watched w;
	struct fixture *f = *state;
	write_text(path_in(f, "other"), "");
	begin(&w, state);
	write_text(path_in(f, "other"), "more");
	end(&w);
	assert_true(is_known(&w, ""));
	release(&w);
}

static void a_directory_that_was_moved_is_another(void **state)
{
	struct watched w;
	struct fixture *f = *state;
	make_directory(path_in(f, "sub"));
	begin(&w, state);
	assert_int_equal(rename(path_in(f, "sub"), path_in(f, "own")), 0);
	make_directory(path_in(f, "sub"));
	end(&w);
	assert_false(is_known(&w, ""));
	assert_false(is_known(&w, "sub"));
	assert_false(is_known(&w, "own"));
	release(&w);
}

static void hidden_directories_and_those_behind_links_are_not_watched(void **state)
{
	struct watched w;
	struct fixture *f = *state;
	make_directory(path_in(f, ".hidden"));
	make_directory(path_in(f, "sub"));
	assert_int_equal(symlink("sub", path_in(f, "link")), 0);
	begin(&w, state);
	end(&w);
	assert_true(is_known(&w, "sub"));
	assert_false(is_known(&w, ".hidden"));
	assert_false(is_known(&w, "link"));
	release(&w);
}

static void directories_too_many_are_left_out(void **state)
{
	struct watched w;
	struct fixture *f = *state;
	char name[16];
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "%d", i);
		make_directory(path_in(f, name));
	}
	begin(&w, state);
	end(&w);
	int known = 0;
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "%d", i);
		known += is_known(&w, name);
	}
	assert_in_range(known, 200, 256);
	release(&w);
}

static int most_events(void)
{
	int most = 0;
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	if (!f || fscanf(f, "%d", &most) != 1 || most > 100000)
		skip();
	fclose(f);
	return most;
}

static void more_events_than_the_kernel_keeps_disturb_all(void **state)
{
	struct watched w;
	struct fixture *f = *state;
	int most = most_events();
	make_directory(path_in(f, "sub"));
	begin(&w, state);
	/* In turns: two of a kind, one behind the other, are kept as one. */
	for (int i = 0; i < most; i++) {
		write_text(path_in(f, "own"), "");
		assert_int_equal(unlink(path_in(f, "own")), 0);
	}
	end(&w);
	assert_false(is_known(&w, "sub"));
	release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(what_the_command_makes_and_removes_does_not_count),
	    with_home(names_of_others_disturb_their_directory_and_no_other),
	    with_home(so_do_names_that_are_gone_again),
	    with_home(what_is_in_a_file_does_not),
	    with_home(a_directory_that_was_moved_is_another),
	    with_home(hidden_directories_and_those_behind_links_are_not_watched),
	    with_home(directories_too_many_are_left_out),
	    with_home(more_events_than_the_kernel_keeps_disturb_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
