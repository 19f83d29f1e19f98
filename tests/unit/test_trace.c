/* From the log of a traced run to what its result depends on. */
#include "support.h"

#include "clock.h"
#include "sightings.h"
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>

/* A trace, and what wrote to it: one process that was watched as it should be. */
struct traced {
	struct fixture *f;
	struct trace trace;
	struct digests digests;
	struct observations facts;
	const char *ignore, *output;
	dpc_error why;
};

static void begin(struct traced *t, void **state)
{
	dpc_error err = {0};
	*t = (struct traced){.f = *state};
	write_text(path_in(t->f, "dpcache-shim.so"), "");
	digests_init(&t->digests, t->f->home.fd);
	assert_int_equal(trace_begin(&t->trace, t->f->dir, false, false, &err), DPC_OK);
	t->trace.head->hellos++;
}

static void end(struct traced *t)
{
	observations_release(&t->facts);
	digests_release(&t->digests);
	trace_release(&t->trace);
}

static struct wire_record *note(struct traced *t, enum wire_kind kind, uint32_t detail, int error, const char *path)
{
	uint32_t size = wire_size(strlen(path));
	struct wire_record *r = wire_reserve(t->trace.head, size);
	r->kind = (uint16_t)kind;
	r->error = (uint16_t)error;
	r->detail = detail;
	strcpy(r->path, path);
	wire_finish(r, size);
	return r;
}

/* The same of a file in the fixture's directory. */
static void note_in(struct traced *t, enum wire_kind kind, uint32_t detail, int error, const char *name)
{
	note(t, kind, detail, error, path_in(t->f, name));
}

static int judge(struct traced *t)
{
	const struct trace_rules rules = {.home = t->f->home.path,
	                                  .ignore = &t->ignore,
	                                  .ignore_count = t->ignore ? 1 : 0,
	                                  .outputs = &t->output,
	                                  .output_count = t->output ? 1 : 0};
	const struct looker look = {&t->digests, t->f->home.state.secret};
	struct trace_outcome outcome = {.facts = &t->facts};
	observations_release(&t->facts);
	int rc = trace_judge(&outcome, &t->trace, &rules, &look, &t->why);
	trace_outcome_release(&outcome);
	return rc;
}

static bool has_fact(const struct traced *t, enum observation_kind kind, const char *path)
{
	for (size_t i = 0; i < t->facts.count; i++)
		if (t->facts.v[i].kind == kind && strcmp(observation_path(&t->facts, i), path) == 0)
			return true;
	return false;
}

static void assert_only_fact(struct traced *t, enum observation_kind kind, const char *path)
{
	assert_int_equal(judge(t), DPC_OK);
	assert_int_equal(t->facts.count, 1);
	assert_true(has_fact(t, kind, path));
}

static void assert_refused(struct traced *t, const char *word)
{
	int rc = judge(t);
	assert_true(rc == DPC_MISS || rc == DPC_E_CONFLICT);
	assert_non_null(strstr(t->why.message, word));
}

/* --- what was looked at --- */

static void a_file_that_was_read_counts_by_its_content(void **state)
{
	struct traced t;
	const char *path = path_in(*state, "a");
	write_text(path, "a");
	begin(&t, state);
	note(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, path);
	assert_only_fact(&t, OBSERVED_FILE, path);
	struct digest content = hash128("a", 1);
	assert_digests_equal(&t.facts.v[0].digest, &content);
	end(&t);
}

static void each_look_leaves_the_fact_it_learned(void **state)
{
	static const struct {
		enum wire_kind kind;
		uint32_t detail;
		enum observation_kind fact;
		const char *name;
	} looks[] = {
	    {WIRE_STAT, 0, OBSERVED_STAT, "file"},
	    {WIRE_STAT, WIRE_LOOK_NOFOLLOW, OBSERVED_LSTAT, "link"},
	    {WIRE_STAT, WIRE_LOOK_TYPE, OBSERVED_PLACE, "file"},
	    {WIRE_ACCESS, 0, OBSERVED_PLACE, "file"},
	    {WIRE_LIST, 0, OBSERVED_LISTING, "dir"},
	    {WIRE_OPEN, WIRE_OPEN_READ, OBSERVED_PLACE, "dir"},
	    {WIRE_READLINK, 0, OBSERVED_LINK, "link"},
	};
	struct fixture *f = *state;
	write_text(path_in(f, "file"), "x");
	make_directory(path_in(f, "dir"));
	assert_int_equal(symlink("file", path_in(f, "link")), 0);
	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
		struct traced t;
		begin(&t, state);
		note_in(&t, looks[i].kind, looks[i].detail, 0, looks[i].name);
		assert_only_fact(&t, looks[i].fact, path_in(f, looks[i].name));
		end(&t);
	}
}

static void a_program_counts_by_its_content_and_its_mode(void **state)
{
	struct traced t;
	write_text(path_in(*state, "program"), "x");
	begin(&t, state);
	note_in(&t, WIRE_HELLO, 0, 0, "program");
	assert_int_equal(judge(&t), DPC_OK);
	assert_true(has_fact(&t, OBSERVED_FILE, path_in(t.f, "program")));
	assert_true(has_fact(&t, OBSERVED_PLACE, path_in(t.f, "program")));
	/* Which that was, nobody can tell now. */
	note(&t, WIRE_HELLO, WIRE_EXECUTABLE_GIVEN, 0, "/etc/../proc/self/fd/9");
	assert_refused(&t, "it executed /proc/self/fd/9");
	end(&t);
}

static void what_came_from_a_fifo_is_refused(void **state)
{
	struct traced t;
	assert_int_equal(mkfifo(path_in(*state, "fifo"), 0600), 0);
	begin(&t, state);
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "fifo");
	assert_refused(&t, "fifo");
	end(&t);
}

static void a_directory_that_is_entered_through_a_link_depends_on_the_link(void **state)
{
	struct fixture *f = *state;
	struct traced t;
	make_directory(path_in(f, "dir"));
	assert_int_equal(symlink("dir", path_in(f, "second")), 0);
	assert_int_equal(symlink("second", path_in(f, "first")), 0);
	begin(&t, state);
	note_in(&t, WIRE_ACCESS, 0, 0, "first");
	assert_int_equal(judge(&t), DPC_OK);
	assert_true(has_fact(&t, OBSERVED_LINK, path_in(f, "first")));
	assert_true(has_fact(&t, OBSERVED_LINK, path_in(f, "second")));
	end(&t);
	begin(&t, state);
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "first");
	assert_int_equal(judge(&t), DPC_OK);
	assert_true(has_fact(&t, OBSERVED_LINK, path_in(f, "first")));
	assert_true(has_fact(&t, OBSERVED_LINK, path_in(f, "second")));
	end(&t);
}

static void what_lies_behind_a_link_of_its_own_is_refused(void **state)
{
	struct traced t;
	write_text(path_in(*state, "theirs"), "x");
	begin(&t, state);
	note_in(&t, WIRE_MAKE, WIRE_MAKE_LINK, 0, "link");
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "link");
	assert_refused(&t, "link that it made itself");
	end(&t);
}

static void dot_dot_behind_a_link_of_its_own_is_refused(void **state)
{
	struct traced t;
	write_text(path_in(*state, "theirs"), "x");
	begin(&t, state);
	note_in(&t, WIRE_MAKE, WIRE_MAKE_LINK, 0, "link");
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "link/../theirs");
	note_in(&t, WIRE_REMOVE, 0, 0, "link");
	assert_refused(&t, "link that it made itself");
	end(&t);
}

static void what_may_not_be_looked_at_counts_as_that(void **state)
{
	struct traced t;
	begin(&t, state);
	note_in(&t, WIRE_MAKE, WIRE_MAKE_NEW, EACCES, "new");
	assert_int_equal(judge(&t), DPC_OK);
	assert_true(has_fact(&t, OBSERVED_NO_NAME, path_in(t.f, "new")));
	assert_true(has_fact(&t, OBSERVED_PLACE, t.f->dir));
	end(&t);
}

/* Written by this process. */
static void note_by(struct traced *t, uint32_t pid, enum wire_kind kind, uint32_t detail, const char *name)
{
	note(t, kind, detail, 0, path_in(t->f, name))->pid = pid;
}

static void a_link_of_its_own_stays_one_under_another_name(void **state)
{
	struct traced t;
	write_text(path_in(*state, "second"), "x");
	begin(&t, state);
	note_by(&t, 1, WIRE_MAKE, WIRE_MAKE_LINK, "first");
	note_by(&t, 2, WIRE_REMOVE, WIRE_REMOVE_MOVED, "first");
	note_by(&t, 3, WIRE_MAKE, WIRE_MAKE_OVER, "other");
	note_by(&t, 2, WIRE_MAKE, WIRE_MAKE_OVER, "second");
	note_by(&t, 3, WIRE_OPEN, WIRE_OPEN_READ, "other");
	assert_int_equal(judge(&t), DPC_OK);
	note_by(&t, 3, WIRE_OPEN, WIRE_OPEN_READ, "second");
	assert_refused(&t, "link that it made itself");
	end(&t);
}

static void a_hard_link_to_a_link_of_its_own_is_one(void **state)
{
	struct traced t;
	begin(&t, state);
	note_by(&t, 1, WIRE_MAKE, WIRE_MAKE_LINK, "first");
	note_by(&t, 1, WIRE_OPEN, WIRE_OPEN_READ | WIRE_OPEN_NOFOLLOW, "first");
	note_by(&t, 1, WIRE_MAKE, WIRE_MAKE_NEW, "second");
	note_by(&t, 1, WIRE_OPEN, WIRE_OPEN_READ, "second");
	assert_refused(&t, "link that it made itself");
	end(&t);
}

static void a_program_may_be_its_own_by_a_link_of_its_own(void **state)
{
	struct traced t;
	begin(&t, state);
	write_text(path_in(t.f, "program"), "x");
	assert_int_equal(symlink("program", path_in(t.f, "link")), 0);
	note_in(&t, WIRE_OPEN, WIRE_OPEN_WRITE | WIRE_OPEN_CREATED | WIRE_OPEN_EXCLUSIVE, 0, "program");
	note_in(&t, WIRE_MAKE, WIRE_MAKE_LINK, 0, "link");
	note_in(&t, WIRE_HELLO, WIRE_EXECUTABLE_GIVEN, 0, "link");
	assert_int_equal(judge(&t), DPC_OK);
	/* Nobody knows where it led when it was executed. */
	note_in(&t, WIRE_MAKE, WIRE_MAKE_LINK, 0, "link");
	note_in(&t, WIRE_HELLO, WIRE_EXECUTABLE_GIVEN, 0, "link");
	assert_refused(&t, "link that it made itself");
	end(&t);
}

static void anothers_program_by_a_link_of_its_own_is_refused(void **state)
{
	struct traced t;
	write_text(path_in(*state, "program"), "x");
	begin(&t, state);
	assert_int_equal(symlink("program", path_in(t.f, "link")), 0);
	note_in(&t, WIRE_MAKE, WIRE_MAKE_LINK, 0, "link");
	note_in(&t, WIRE_HELLO, WIRE_EXECUTABLE_GIVEN, 0, "link");
	assert_refused(&t, "link that it made itself");
	end(&t);
}

static void with_a_library_counts_what_the_dynamic_linker_reads(void **state)
{
	struct traced t;
	write_text(path_in(*state, "lib.so"), "x");
	begin(&t, state);
	note_in(&t, WIRE_LIBRARY, 0, 0, "lib.so");
	assert_int_equal(judge(&t), DPC_OK);
	assert_true(has_fact(&t, OBSERVED_FILE, path_in(t.f, "lib.so")));
	assert_true(has_fact(&t, OBSERVED_FILE, "/etc/ld.so.cache"));
	assert_true(has_fact(&t, OBSERVED_ABSENT, "/etc/ld.so.preload") || has_fact(&t, OBSERVED_FILE, "/etc/ld.so.preload"));
	end(&t);
}

static void what_was_absent_counts_as_absent(void **state)
{
	struct traced t;
	begin(&t, state);
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, ENOENT, "nowhere");
	assert_only_fact(&t, OBSERVED_ABSENT, path_in(t.f, "nowhere"));
	end(&t);
	begin(&t, state);
	note_in(&t, WIRE_STAT, WIRE_LOOK_NOFOLLOW, ENOENT, "nowhere");
	assert_only_fact(&t, OBSERVED_NO_NAME, path_in(t.f, "nowhere"));
	end(&t);
}

static void a_path_counts_once_however_it_is_spelled(void **state)
{
	struct traced t;
	write_text(path_in(*state, "a"), "a");
	make_directory(path_in(*state, "dir"));
	begin(&t, state);
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "a");
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "/./a");
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "dir/../a");
	assert_only_fact(&t, OBSERVED_FILE, path_in(t.f, "a"));
	end(&t);
}

static void dot_dot_behind_a_link_stays(void **state)
{
	char out[WIRE_PATH_MAX];
	struct fixture *f = *state;
	assert_int_equal(symlink("/usr", path_in(f, "link")), 0);
	struct sightings s = {0};
	sightings_tidy(&s, out, path_in(f, "link/../a"));
	assert_string_equal(out, path_in(f, "link/../a"));
	sightings_tidy(&s, out, path_in(f, "link/../../a"));
	assert_string_equal(out, path_in(f, "link/../../a"));
	sightings_tidy(&s, out, path_in(f, "link/../a/../.."));
	assert_string_equal(out, path_in(f, "link/../.."));
	sightings_release(&s);
}

static void variables_count_by_name(void **state)
{
	struct traced t;
	begin(&t, state);
	note(&t, WIRE_VARIABLE_READ, 0, 0, "HOME");
	note(&t, WIRE_VARIABLE_READ, 0, 0, "HOME");
	assert_only_fact(&t, OBSERVED_VARIABLE, "HOME");
	end(&t);
}

static void a_program_that_has_its_environment_at_hand_depends_on_all_of_it(void **state)
{
	struct traced t;
	setenv("SOME_VARIABLE", "1", 1);
	setenv("SHLVL", "1", 1);
	begin(&t, state);
	note(&t, WIRE_ENVIRONMENT, 0, 0, "/bin/dash");
	assert_int_equal(judge(&t), DPC_OK);
	assert_true(has_fact(&t, OBSERVED_VARIABLE, "SOME_VARIABLE"));
	assert_true(has_fact(&t, OBSERVED_NAMES, ""));
	/* What is another for each shell does not count. */
	assert_false(has_fact(&t, OBSERVED_VARIABLE, "SHLVL"));
	end(&t);
	begin(&t, state);
	note(&t, WIRE_ENVIRONMENT, 0, 0, "/usr/bin/x86_64-linux-gnu-gcc-12");
	assert_int_equal(judge(&t), DPC_OK);
	assert_int_equal(t.facts.count, 0);
	end(&t);
	/* By what it is, not by what it is called. */
	begin(&t, state);
	assert_int_equal(symlink("/usr/bin/gcc", path_in(t.f, "tool")), 0);
	note_in(&t, WIRE_ENVIRONMENT, WIRE_EXECUTABLE_GIVEN, 0, "tool");
	assert_int_equal(judge(&t), DPC_OK);
	assert_int_equal(t.facts.count, 0);
	end(&t);
	unsetenv("SOME_VARIABLE");
}

/* --- what is of the run's own making --- */

static void a_file_that_the_run_made_is_no_input(void **state)
{
	struct traced t;
	begin(&t, state);
	write_text(path_in(t.f, "temporary"), "x");
	note_in(&t, WIRE_OPEN, WIRE_OPEN_WRITE | WIRE_OPEN_EMPTY | WIRE_OPEN_CREATED, 0, "temporary");
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "temporary");
	note_in(&t, WIRE_STAT, 0, 0, "temporary");
	assert_int_equal(judge(&t), DPC_OK);
	assert_int_equal(t.facts.count, 0);
	assert_int_equal(unlink(path_in(t.f, "temporary")), 0);
	note_in(&t, WIRE_REMOVE, 0, 0, "temporary");
	assert_int_equal(judge(&t), DPC_OK);
	assert_int_equal(t.facts.count, 0);
	end(&t);
}

static void what_was_absent_and_then_made_was_absent(void **state)
{
	struct traced t;
	begin(&t, state);
	note_in(&t, WIRE_STAT, 0, ENOENT, "made");
	write_text(path_in(t.f, "made"), "x");
	note_in(&t, WIRE_OPEN, WIRE_OPEN_WRITE | WIRE_OPEN_EMPTY | WIRE_OPEN_CREATED, 0, "made");
	assert_only_fact(&t, OBSERVED_ABSENT, path_in(t.f, "made"));
	end(&t);
}

static const struct {
	enum wire_kind kind;
	uint32_t detail;
} changes[] = {
    {WIRE_OPEN, WIRE_OPEN_WRITE},
    {WIRE_OPEN, WIRE_OPEN_WRITE | WIRE_OPEN_EMPTY},
    {WIRE_MAKE, WIRE_MAKE_OVER},
    {WIRE_REMOVE, 0},
    {WIRE_CHANGE, 0},
};
enum { CHANGES = sizeof changes / sizeof *changes };

static void that_making_it_went_well_shows_that_it_was_absent(void **state)
{
	static const struct {
		enum wire_kind kind;
		uint32_t detail;
	} makes[] = {{WIRE_MAKE, WIRE_MAKE_NEW}, {WIRE_MAKE, WIRE_MAKE_LINK}, {WIRE_OPEN, WIRE_OPEN_WRITE | WIRE_OPEN_CREATED | WIRE_OPEN_EXCLUSIVE}};
	for (size_t i = 0; i < sizeof makes / sizeof *makes; i++) {
		struct traced t;
		begin(&t, state);
		note_in(&t, makes[i].kind, makes[i].detail, 0, "made");
		assert_only_fact(&t, OBSERVED_NO_NAME, path_in(t.f, "made"));
		end(&t);
	}
	struct traced t;
	begin(&t, state);
	note_in(&t, WIRE_MAKE, WIRE_MAKE_OVER, 0, "made");
	assert_int_equal(judge(&t), DPC_OK);
	assert_int_equal(t.facts.count, 0);
	end(&t);
}

static void what_was_made_by_adding_to_it_and_then_read_was_absent(void **state)
{
	struct traced t;
	begin(&t, state);
	note_in(&t, WIRE_OPEN, WIRE_OPEN_WRITE | WIRE_OPEN_CREATED, 0, "log");
	assert_int_equal(judge(&t), DPC_OK);
	assert_int_equal(t.facts.count, 0);
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "log");
	assert_only_fact(&t, OBSERVED_NO_NAME, path_in(t.f, "log"));
	end(&t);
}

static void a_file_that_was_only_opened_to_be_written_is_an_input(void **state)
{
	struct traced t;
	write_text(path_in(*state, "a"), "a");
	begin(&t, state);
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ | WIRE_OPEN_WRITE, 0, "a");
	assert_only_fact(&t, OBSERVED_FILE, path_in(t.f, "a"));
	end(&t);
}

static void a_file_that_was_read_and_then_written_is_refused(void **state)
{
	write_text(path_in(*state, "a"), "a");
	for (size_t i = 0; i < CHANGES; i++) {
		struct traced t;
		begin(&t, state);
		note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "a");
		note_in(&t, changes[i].kind, changes[i].detail, 0, "a");
		write_text(path_in(t.f, "a"), "a");
		assert_refused(&t, "/a");
		/* Not even as an output: it depends on what was in it. */
		assert_int_equal(chdir(t.f->dir), 0);
		t.output = "a";
		assert_refused(&t, "/a");
		end(&t);
	}
}

static void an_output_that_was_only_looked_for_is_no_input(void **state)
{
	write_text(path_in(*state, "a"), "a");
	for (size_t i = 0; i < CHANGES; i++) {
		struct traced t;
		begin(&t, state);
		bool anew = changes[i].detail & WIRE_OPEN_EMPTY || changes[i].kind == WIRE_MAKE || changes[i].kind == WIRE_REMOVE;
		note_in(&t, WIRE_STAT, 0, 0, "a");
		note_in(&t, changes[i].kind, changes[i].detail, 0, "a");
		write_text(path_in(t.f, "a"), "a");
		assert_refused(&t, "/a");
		assert_int_equal(chdir(t.f->dir), 0);
		t.output = "./a";
		/* What was only changed has more in it than the run has made. */
		assert_int_equal(judge(&t), anew ? DPC_OK : DPC_MISS);
		assert_int_equal(t.facts.count, 0);
		end(&t);
	}
}

static void a_file_that_was_there_and_is_taken_away_is_refused(void **state)
{
	struct traced t;
	begin(&t, state);
	note_in(&t, WIRE_REMOVE, 0, 0, "theirs");
	assert_refused(&t, "theirs");
	end(&t);
}

/* --- what changed meanwhile --- */

/* The clock by which files are stamped moves in ticks. */
static void what_changes_once_it_has_begun_has_a_later_change_time(void **state)
{
	for (int i = 0; i < 50; i++) {
		struct traced t;
		struct stat st;
		begin(&t, state);
		write_text(path_in(*state, "a"), "a");
		assert_int_equal(stat(path_in(*state, "a"), &st), 0);
		assert_true(clock_ns(st.st_ctim) > t.trace.began);
		/* A new one each time: nobody has looked at it before. */
		assert_int_equal(unlink(path_in(*state, "a")), 0);
		end(&t);
	}
}

/* Who naps gives the processor away. */
static long times_given_away(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

static bool kernel_moves_its_clock_on(void)
{
	struct utsname u;
	int major = 0, minor = 0;
	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 13);
}

static void it_begins_without_a_nap_where_the_kernel_moves_its_clock_on(void **state)
{
	int naps = 0;
	if (!kernel_moves_its_clock_on())
		skip();
	for (int i = 0; i < 20; i++) {
		struct traced t;
		long before = times_given_away();
		begin(&t, state);
		naps += times_given_away() != before;
		end(&t);
	}
	/* A few may be the disk's. */
	assert_in_range(naps, 0, 10);
}

static void an_input_that_changed_since_the_run_began_is_refused(void **state)
{
	struct traced t;
	begin(&t, state);
	write_text(path_in(t.f, "a"), "a");
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "a");
	assert_refused(&t, "changed while it ran");
	end(&t);
}

static void what_appeared_or_vanished_since_it_was_looked_at_is_refused(void **state)
{
	struct traced t;
	begin(&t, state);
	write_text(path_in(t.f, "late"), "");
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, ENOENT, "late");
	assert_refused(&t, "late");
	end(&t);
	begin(&t, state);
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "gone");
	assert_refused(&t, "gone");
	end(&t);
}

static void a_link_that_was_replaced_on_the_way_is_refused(void **state)
{
	struct fixture *f = *state;
	struct traced t;
	make_directory(path_in(f, "new"));
	write_text(path_in(f, "new/a"), "a");
	begin(&t, state);
	/* The file itself has been there all along. */
	assert_int_equal(symlink("new", path_in(f, "current")), 0);
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "current/a");
	assert_refused(&t, "current");
	end(&t);
}

static void a_directory_that_was_moved_here_is_refused(void **state)
{
	struct fixture *f = *state;
	struct traced t;
	make_directory(path_in(f, "new"));
	write_text(path_in(f, "new/a"), "a");
	begin(&t, state);
	assert_int_equal(rename(path_in(f, "new"), path_in(f, "old")), 0);
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "old/a");
	assert_refused(&t, "old");
	end(&t);
}

static void a_listing_of_a_directory_that_changed_is_refused(void **state)
{
	struct traced t;
	make_directory(path_in(*state, "dir"));
	begin(&t, state);
	write_text(path_in(t.f, "dir/new"), "");
	note_in(&t, WIRE_LIST, 0, 0, "dir");
	assert_refused(&t, "dir");
	end(&t);
}

/* --- what cannot be told --- */

static void what_nobody_could_watch_is_refused(void **state)
{
	struct traced t;
	begin(&t, state);
	t.trace.head->execs++;
	assert_refused(&t, "could not be watched");
	end(&t);
	begin(&t, state);
	note(&t, WIRE_EXEC, WIRE_EXEC_BLIND, 0, "/bin/nowhere");
	note(&t, WIRE_EXEC_FAILED, 0, ENOENT, "/bin/nowhere");
	assert_int_equal(judge(&t), DPC_OK);
	note(&t, WIRE_EXEC, WIRE_EXEC_BLIND, 0, "/bin/static");
	t.trace.head->execs++;
	assert_refused(&t, "/bin/static cannot be watched");
	end(&t);
	begin(&t, state);
	note(&t, WIRE_UNCACHEABLE, 0, 0, "used the network");
	assert_refused(&t, "it used the network");
	end(&t);
}

static void a_log_that_is_full_torn_or_nonsense_is_refused(void **state)
{
	struct traced t;
	begin(&t, state);
	t.trace.head->lost = 1;
	assert_refused(&t, "more than can be recorded");
	end(&t);
	begin(&t, state);
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, ENOENT, "a");
	/* Reserved, and never finished. */
	t.trace.head->used += 64;
	assert_refused(&t, "killed");
	end(&t);
	begin(&t, state);
	note(&t, WIRE_OPEN, WIRE_OPEN_READ, ENOENT, "/a")->size = 8;
	assert_refused(&t, "killed");
	end(&t);
	begin(&t, state);
	t.trace.head->used = UINT64_MAX;
	assert_refused(&t, "more than can be recorded");
	end(&t);
}

static void more_inputs_than_are_worth_asking_for_are_refused(void **state)
{
	struct traced t;
	char name[64];
	begin(&t, state);
	for (int i = 0; i < 9000; i++) {
		snprintf(name, sizeof name, "/nowhere/%d", i);
		note(&t, WIRE_STAT, 0, ENOENT, name);
	}
	assert_refused(&t, "more inputs");
	end(&t);
}

/* --- what is no input --- */

static void what_is_to_be_ignored_is_ignored(void **state)
{
	struct traced t;
	begin(&t, state);
	note(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "/proc/self/status");
	note(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "/proc/4242/stat")->pid = 4242;
	note(&t, WIRE_OPEN, WIRE_OPEN_WRITE, 0, "/dev/null");
	note(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, path_at_home(t.f, "state"));
	write_text(path_in(t.f, "log"), "");
	note_in(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "log");
	t.ignore = path_in(t.f, "l*");
	assert_int_equal(judge(&t), DPC_OK);
	assert_int_equal(t.facts.count, 0);
	end(&t);
}

static void another_process_is_no_business_of_the_run_and_so_an_input(void **state)
{
	struct traced t;
	begin(&t, state);
	note(&t, WIRE_OPEN, WIRE_OPEN_READ, 0, "/proc/1/status")->pid = 4242;
	note(&t, WIRE_LIST, 0, 0, "/proc");
	assert_int_equal(judge(&t), DPC_OK);
	assert_true(has_fact(&t, OBSERVED_FILE, "/proc/1/status"));
	assert_true(has_fact(&t, OBSERVED_LISTING, "/proc"));
	end(&t);
}

static void the_names_in_a_directory_for_all_are_an_input(void **state)
{
	struct traced t;
	begin(&t, state);
	note(&t, WIRE_LIST, 0, 0, "/");
	assert_only_fact(&t, OBSERVED_LISTING, "/");
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(a_file_that_was_read_counts_by_its_content),
	    with_home(each_look_leaves_the_fact_it_learned),
	    with_home(a_program_counts_by_its_content_and_its_mode),
	    with_home(what_came_from_a_fifo_is_refused),
	    with_home(a_directory_that_is_entered_through_a_link_depends_on_the_link),
	    with_home(what_lies_behind_a_link_of_its_own_is_refused),
	    with_home(dot_dot_behind_a_link_of_its_own_is_refused),
	    with_home(a_link_of_its_own_stays_one_under_another_name),
	    with_home(a_hard_link_to_a_link_of_its_own_is_one),
	    with_home(a_program_may_be_its_own_by_a_link_of_its_own),
	    with_home(anothers_program_by_a_link_of_its_own_is_refused),
	    with_home(what_may_not_be_looked_at_counts_as_that),
	    with_home(that_making_it_went_well_shows_that_it_was_absent),
	    with_home(what_was_made_by_adding_to_it_and_then_read_was_absent),
	    with_home(a_file_that_was_only_opened_to_be_written_is_an_input),
	    with_home(with_a_library_counts_what_the_dynamic_linker_reads),
	    with_home(what_was_absent_counts_as_absent),
	    with_home(a_path_counts_once_however_it_is_spelled),
	    with_home(dot_dot_behind_a_link_stays),
	    with_home(variables_count_by_name),
	    with_home(a_program_that_has_its_environment_at_hand_depends_on_all_of_it),
	    with_home(a_file_that_the_run_made_is_no_input),
	    with_home(what_was_absent_and_then_made_was_absent),
	    with_home(a_file_that_was_read_and_then_written_is_refused),
	    with_home(an_output_that_was_only_looked_for_is_no_input),
	    with_home(a_file_that_was_there_and_is_taken_away_is_refused),
	    with_home(what_changes_once_it_has_begun_has_a_later_change_time),
	    with_home(it_begins_without_a_nap_where_the_kernel_moves_its_clock_on),
	    with_home(an_input_that_changed_since_the_run_began_is_refused),
	    with_home(what_appeared_or_vanished_since_it_was_looked_at_is_refused),
	    with_home(a_link_that_was_replaced_on_the_way_is_refused),
	    with_home(a_directory_that_was_moved_here_is_refused),
	    with_home(a_listing_of_a_directory_that_changed_is_refused),
	    with_home(what_nobody_could_watch_is_refused),
	    with_home(a_log_that_is_full_torn_or_nonsense_is_refused),
	    with_home(more_inputs_than_are_worth_asking_for_are_refused),
	    with_home(what_is_to_be_ignored_is_ignored),
	    with_home(another_process_is_no_business_of_the_run_and_so_an_input),
	    with_home(the_names_in_a_directory_for_all_are_an_input),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
