/* The look at an executable file before it is executed: at sound ones, and at damaged
 * ones, which must neither crash the program that looks nor hold it up. */
#include "support.h"

#include "shim/elfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct elfile open_file(const char *path)
{
	struct elfile e;
	assert_int_equal(elfile_open(&e, AT_FDCWD, path), 0);
	return e;
}

static void a_dynamic_program_names_its_linker(void **state)
{
	(void)state;
	char loader[64];
	struct elfile e = open_file("/proc/self/exe");
	assert_true(elfile_is_program(&e));
	assert_true(elfile_loader(&e, loader, sizeof loader));
	assert_string_equal(loader, "/lib64/ld-linux-x86-64.so.2");
	elfile_close(&e);
}

static void a_linker_needs_none(void **state)
{
	(void)state;
	char loader[64];
	struct elfile e = open_file("/lib64/ld-linux-x86-64.so.2");
	assert_true(elfile_is_program(&e));
	assert_false(elfile_loader(&e, loader, sizeof loader));
	elfile_close(&e);
}

static void what_is_no_program_is_not_taken_for_one(void **state)
{
	(void)state;
	struct elfile e = open_file("/etc/passwd");
	assert_false(elfile_is_program(&e));
	elfile_close(&e);
	e = open_file("/dev/null");
	assert_false(elfile_is_program(&e));
	elfile_close(&e);
	e = open_file("/");
	assert_false(elfile_is_program(&e));
	elfile_close(&e);
}

static void an_absent_file_gives_its_error(void **state)
{
	(void)state;
	struct elfile e;
	assert_int_equal(elfile_open(&e, AT_FDCWD, "/nonexistent"), ENOENT);
	assert_int_equal(elfile_open(&e, AT_FDCWD, "/etc/passwd/x"), ENOTDIR);
}

static void damage(char *data, size_t size, unsigned seed)
{
	for (int i = 0; i < 8; i++) {
		seed = seed * 1103515245 + 12345;
		data[seed / 65536 % size] ^= (char)(1 << seed % 8);
	}
}

static void a_damaged_file_does_no_harm(void **state)
{
	(void)state;
	char data[16384], path[] = "/tmp/dpcache-unit-XXXXXX", loader[64];
	int self = open("/proc/self/exe", O_RDONLY), fd = mkstemp(path);
	ssize_t size = read(self, data, sizeof data);
	assert_true(size > 0 && fd >= 0);
	for (unsigned seed = 0; seed < 2000; seed++) {
		/* The headers and the dynamic symbols are within the first pages. */
		char damaged[sizeof data];
		memcpy(damaged, data, sizeof data);
		damage(damaged, seed % 2 ? 1024 : (size_t)size, seed);
		assert_int_equal(pwrite(fd, damaged, (size_t)size, 0), size);
		struct elfile e = open_file(path);
		if (elfile_is_program(&e)) {
			elfile_loader(&e, loader, sizeof loader);
			elfile_has_sanitizer(&e);
		}
		elfile_close(&e);
	}
	close(self);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_dynamic_program_names_its_linker),
	    cmocka_unit_test(a_linker_needs_none),
	    cmocka_unit_test(what_is_no_program_is_not_taken_for_one),
	    cmocka_unit_test(an_absent_file_gives_its_error),
	    cmocka_unit_test(a_damaged_file_does_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
