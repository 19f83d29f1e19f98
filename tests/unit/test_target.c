/* What is about to be executed, and what is remembered of it for the next time. */
#include "support.h"

#include "shim/known.h"
#include "shim/log.h"
#include "shim/target.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct wire_head head;

/* A copy of a program, ours alone. */
struct copy {
	char path[32];
	int fd;
};

static void make_copy(struct copy *c, const char *program)
{
	char command[128];
	strcpy(c->path, "/tmp/dpcache-unit-XXXXXX");
	c->fd = mkstemp(c->path);
	assert_true(c->fd >= 0);
	snprintf(command, sizeof command, "cat %s >%s", program, c->path);
	assert_int_equal(system(command), 0);
	memset(&head, 0, sizeof head);
	log_head = &head;
}

static void end_copy(struct copy *c)
{
	log_head = NULL;
	close(c->fd);
	unlink(c->path);
}

static enum target_kind kind_of(const struct copy *c)
{
	struct target t;
	target_look(&t, AT_FDCWD, c->path);
	return t.kind;
}

static struct stat stat_of(const struct copy *c)
{
	struct stat st;
	assert_int_equal(fstat(c->fd, &st), 0);
	return st;
}

static void set_user_id_for_another_is_secure(void **state)
{
	(void)state;
	struct copy c;
	make_copy(&c, "/proc/self/exe");
	assert_int_equal(kind_of(&c), TARGET_GLIBC);
	/* For oneself it changes nothing. */
	assert_int_equal(fchmod(c.fd, 04755), 0);
	assert_int_equal(kind_of(&c), TARGET_GLIBC);
	/* Only root can give a file away. */
	if (geteuid() == 0) {
		assert_int_equal(fchown(c.fd, 1, -1), 0);
		assert_int_equal(fchmod(c.fd, 04755), 0);
		assert_int_equal(kind_of(&c), TARGET_SECURE);
		head.began = INT64_MAX;
		struct stat st = stat_of(&c);
		known_note(&st, TARGET_GLIBC);
		assert_int_equal(kind_of(&c), TARGET_SECURE);
	}
	end_copy(&c);
}

static void what_did_not_change_since_the_run_began_is_looked_into_once(void **state)
{
	(void)state;
	struct copy c;
	enum target_kind kind;
	make_copy(&c, "/proc/self/exe");
	struct stat st = stat_of(&c);
	head.began = INT64_MAX;
	assert_false(known_find(&st, &kind));
	assert_int_equal(kind_of(&c), TARGET_GLIBC);
	assert_true(known_find(&st, &kind));
	assert_int_equal(kind, TARGET_GLIBC);
	/* Believed from then on. */
	known_note(&st, TARGET_ALONE);
	assert_int_equal(kind_of(&c), TARGET_ALONE);
	end_copy(&c);
}

static void what_changed_since_is_looked_into_each_time(void **state)
{
	(void)state;
	struct copy c;
	enum target_kind kind;
	make_copy(&c, "/proc/self/exe");
	struct stat st = stat_of(&c);
	head.began = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
	assert_int_equal(kind_of(&c), TARGET_GLIBC);
	assert_false(known_find(&st, &kind));
	end_copy(&c);
}

/* Else two that take turns would be looked into each time. */
static void as_many_as_a_script_may_use_are_known_together(void **state)
{
	enum { FILES = 16 };
	struct stat st = {.st_dev = 1};
	enum target_kind kind;
	(void)state;
	memset(&head, 0, sizeof head);
	head.began = INT64_MAX;
	log_head = &head;
	for (st.st_ino = 1; st.st_ino <= FILES; st.st_ino++)
		known_note(&st, TARGET_MUSL);
	for (st.st_ino = 1; st.st_ino <= FILES; st.st_ino++) {
		assert_true(known_find(&st, &kind));
		assert_int_equal(kind, TARGET_MUSL);
	}
	assert_false(known_find(&st, &kind));
	log_head = NULL;
}

static void another_file_is_not_known(void **state)
{
	(void)state;
	struct copy c;
	enum target_kind kind;
	make_copy(&c, "/proc/self/exe");
	struct stat st = stat_of(&c), other;
	head.began = INT64_MAX;
	known_note(&st, TARGET_GLIBC);
	other = st;
	other.st_ino++;
	assert_false(known_find(&other, &kind));
	other = st;
	other.st_dev++;
	assert_false(known_find(&other, &kind));
	other = st;
	other.st_ctim.tv_nsec ^= 1;
	assert_false(known_find(&other, &kind));
	other = st;
	other.st_ctim.tv_sec++;
	assert_false(known_find(&other, &kind));
	end_copy(&c);
}

static void a_script_is_known_by_its_interpreter_only(void **state)
{
	(void)state;
	struct copy c;
	struct target t;
	make_copy(&c, "/dev/null");
	assert_int_equal(write(c.fd, "#!/bin/sh\n", 10), 10);
	head.began = INT64_MAX;
	for (int i = 0; i < 2; i++) {
		target_look(&t, AT_FDCWD, c.path);
		assert_int_equal(t.kind, TARGET_GLIBC);
		assert_true(t.script);
	}
	target_look(&t, AT_FDCWD, "/bin/sh");
	assert_false(t.script);
	end_copy(&c);
}

/* As many as the kernel follows, and one more. */
static void scripts_of_scripts_are_followed_to_the_end(void **state)
{
	(void)state;
	struct copy c[6];
	struct target t;
	const char *interpreter = "/bin/sh";
	for (size_t i = 0; i < 6; i++) {
		make_copy(&c[i], "/dev/null");
		assert_true(dprintf(c[i].fd, "#!%s\n", interpreter) > 0);
		interpreter = c[i].path;
	}
	target_look(&t, AT_FDCWD, c[4].path);
	assert_int_equal(t.kind, TARGET_GLIBC);
	target_look(&t, AT_FDCWD, c[5].path);
	assert_int_equal(t.kind, TARGET_DOUBTFUL);
	for (size_t i = 0; i < 6; i++)
		end_copy(&c[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(set_user_id_for_another_is_secure),
	    cmocka_unit_test(what_did_not_change_since_the_run_began_is_looked_into_once),
	    cmocka_unit_test(what_changed_since_is_looked_into_each_time),
	    cmocka_unit_test(as_many_as_a_script_may_use_are_known_together),
	    cmocka_unit_test(another_file_is_not_known),
	    cmocka_unit_test(a_script_is_known_by_its_interpreter_only),
	    cmocka_unit_test(scripts_of_scripts_are_followed_to_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
