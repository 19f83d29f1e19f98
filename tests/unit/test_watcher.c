/* The watcher's parts that need no watched program. */
#include "support.h"

#include "watcher/call.h"
#include "watcher/environment.h"
#include "watcher/filter.h"
#include "watcher/program.h"
#include "watcher/scene.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- the environment --- */

static void assert_preload(const char *before, const char *after)
{
	static const char *const libraries[] = {"/l/shim.so", "/l/shim-musl.so"};
	char preload[256], *envp[] = {"A=1", "DPCACHE_TRACE=/log", preload, "Z=2", NULL};
	snprintf(preload, sizeof preload, "LD_PRELOAD=%s", before);
	environment_clean(envp, libraries);
	size_t i = 0;
	assert_string_equal(envp[i++], "A=1");
	if (after)
		assert_string_equal(envp[i++] + strlen("LD_PRELOAD="), after);
	assert_string_equal(envp[i++], "Z=2");
	assert_null(envp[i]);
}

static void the_shim_is_taken_out_of_what_is_preloaded(void **state)
{
	(void)state;
	assert_preload("/l/shim.so", NULL);
	assert_preload("/l/shim.so:/other.so", "/other.so");
	assert_preload("/l/shim.so /other.so", "/other.so");
	assert_preload("/other.so:/l/shim.so", "/other.so");
	assert_preload("/a.so:/l/shim.so:/b.so", "/a.so:/b.so");
	assert_preload("/l/shim-musl.so:/l/shim.so", NULL);
	assert_preload("/l/shim.so:", "");
}

static void what_only_looks_like_the_shim_stays(void **state)
{
	(void)state;
	assert_preload("/l/shim.so.1:/x/l/shim.so", "/l/shim.so.1:/x/l/shim.so");
	assert_preload("", "");
}

static void without_a_shim_nothing_is_taken_out_of_it(void **state)
{
	(void)state;
	static const char *const none[] = {"", ""};
	char preload[] = "LD_PRELOAD=/other.so", *envp[] = {preload, NULL};
	environment_clean(envp, none);
	assert_string_equal(envp[0], "LD_PRELOAD=/other.so");
}

/* --- scripts --- */

static void assert_interpreter(const char *text, const char *expected)
{
	char interpreter[PROGRAM_PATH];
	bool script = program_script(interpreter, text, strlen(text));
	assert_int_equal(script, expected != NULL);
	if (expected)
		assert_string_equal(interpreter, expected);
}

static void a_script_names_its_interpreter(void **state)
{
	(void)state;
	assert_interpreter("#!/bin/sh\necho", "/bin/sh");
	assert_interpreter("#! /bin/sh -e\n", "/bin/sh");
	assert_interpreter("#!\t/usr/bin/env python3\n", "/usr/bin/env");
	assert_interpreter("#!/bin/sh", "/bin/sh");
	assert_interpreter("#!\n", NULL);
	assert_interpreter("#", NULL);
	assert_interpreter("", NULL);
	assert_interpreter("\177ELF", NULL);
}

static void scripts_are_followed_to_a_program(void **state)
{
	struct fixture *f = *state;
	struct program p;
	char text[PATH_MAX + 4];
	write_text(path_in(f, "inner"), "#!/bin/sh\n");
	snprintf(text, sizeof text, "#!%s\n", path_in(f, "inner"));
	write_text(path_in(f, "outer"), text);
	program_look(&p, path_in(f, "outer"));
	assert_string_equal(p.executable, "/bin/sh");
	assert_string_equal(p.loader, "/lib64/ld-linux-x86-64.so.2");
	assert_false(p.gains_rights);
}

static void what_cannot_be_read_stands_as_it_is_named(void **state)
{
	(void)state;
	struct program p;
	program_look(&p, "/nonexistent/program");
	assert_string_equal(p.executable, "/nonexistent/program");
	assert_string_equal(p.loader, "");
}

/* --- names --- */

static void assert_located(const char *path, const char *named, const char *here)
{
	struct name n;
	strcpy(n.path, path);
	name_locate(&n, 7, 8);
	assert_string_equal(n.path, named);
	assert_string_equal(n.here, here);
}

static void what_a_process_calls_its_own_is_another_file_to_us(void **state)
{
	(void)state;
	assert_located("/proc/self/maps", "/proc/self/maps", "/proc/7/maps");
	assert_located("/proc/self", "/proc/self", "/proc/7");
	assert_located("/proc/thread-self/stat", "/proc/thread-self/stat", "/proc/8/stat");
	assert_located("/dev/fd/3", "/dev/fd/3", "/proc/7/fd/3");
	assert_located("/dev/stdin", "/dev/stdin", "/proc/7/fd/0");
	assert_located("/dev/stderr", "/dev/stderr", "/proc/7/fd/2");
}

static void a_process_finds_itself_by_its_number_too(void **state)
{
	(void)state;
	assert_located("/proc/7/stat", "/proc/self/stat", "/proc/7/stat");
	assert_located("/proc/7", "/proc/self", "/proc/7");
}

static void other_names_are_the_same_everywhere(void **state)
{
	(void)state;
	static const char *const same[] = {"/",         "/proc/selfish", "/proc/cpuinfo",
	                                   "/dev/null", "/dev/stdinx",   "/data/x"};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		assert_located(same[i], same[i], same[i]);
}

/* --- the filter --- */

/* What the kernel would do with these instructions: of all that there is, we use this. */
static uint32_t run_filter(const struct filter *f, const struct seccomp_data *d)
{
	uint32_t a = 0;
	for (unsigned at = 0; at < f->size; at++) {
		const struct sock_filter *i = &f->code[at];
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k % sizeof a == 0 && i->k < sizeof *d);
			memcpy(&a, (const char *)d + i->k, sizeof a);
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			at += a & i->k ? i->jt : i->jf;
			break;
		default:
			assert_int_equal(i->code, BPF_RET | BPF_K);
			return i->k;
		}
	}
	fail_msg("the filter has no end");
	return 0;
}

static bool is_notified(struct seccomp_data d)
{
	static struct filter f;
	if (!f.size)
		filter_build(&f);
	if (!d.arch)
		d.arch = AUDIT_ARCH_X86_64;
	uint32_t action = run_filter(&f, &d);
	assert_true(action == SECCOMP_RET_USER_NOTIF || action == SECCOMP_RET_ALLOW);
	return action == SECCOMP_RET_USER_NOTIF;
}

static void every_call_that_is_known_is_notified(void **state)
{
	(void)state;
	for (int i = 0; i < call_end() + 100; i++) {
		/* With all bits set, no argument is a reason to let it pass. */
		struct seccomp_data d = {.nr = i};
		memset(d.args, 0xff, sizeof d.args);
		assert_int_equal(is_notified(d), call_find(i) != NULL);
	}
}

static void calls_of_other_architectures_are_notified(void **state)
{
	(void)state;
	assert_true(is_notified((struct seccomp_data){.nr = SYS_read, .arch = AUDIT_ARCH_I386}));
	assert_true(is_notified((struct seccomp_data){.nr = SYS_read | 0x40000000}));
	assert_false(is_notified((struct seccomp_data){.nr = -1}));
}

static void a_process_in_the_same_namespaces_is_no_news(void **state)
{
	(void)state;
	assert_false(is_notified((struct seccomp_data){.nr = SYS_clone, .args = {SIGCHLD | CLONE_VM}}));
	assert_true(is_notified((struct seccomp_data){.nr = SYS_clone, .args = {SIGCHLD | CLONE_NEWPID}}));
}

static void what_is_sent_to_nobody_by_name_is_no_news(void **state)
{
	(void)state;
	assert_false(is_notified((struct seccomp_data){.nr = SYS_sendto, .args = {3, 4096, 5}}));
	assert_true(is_notified((struct seccomp_data){.nr = SYS_sendto, .args = {3, 4096, 5, 0, 4096}}));
	assert_true(
	    is_notified((struct seccomp_data){.nr = SYS_sendto, .args = {3, 4096, 5, 0, UINT64_C(1) << 40}}));
}

static void malloc_may_have_its_random_numbers(void **state)
{
	(void)state;
	assert_false(is_notified((struct seccomp_data){.nr = SYS_getrandom, .args = {4096, 8, 1}}));
	assert_true(is_notified((struct seccomp_data){.nr = SYS_getrandom, .args = {4096, 8, 0}}));
	assert_true(is_notified((struct seccomp_data){.nr = SYS_getrandom, .args = {4096, 16, 1}}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_shim_is_taken_out_of_what_is_preloaded),
	    cmocka_unit_test(what_only_looks_like_the_shim_stays),
	    cmocka_unit_test(without_a_shim_nothing_is_taken_out_of_it),
	    cmocka_unit_test(a_script_names_its_interpreter),
	    with_home(scripts_are_followed_to_a_program),
	    cmocka_unit_test(what_cannot_be_read_stands_as_it_is_named),
	    cmocka_unit_test(what_a_process_calls_its_own_is_another_file_to_us),
	    cmocka_unit_test(a_process_finds_itself_by_its_number_too),
	    cmocka_unit_test(other_names_are_the_same_everywhere),
	    cmocka_unit_test(every_call_that_is_known_is_notified),
	    cmocka_unit_test(calls_of_other_architectures_are_notified),
	    cmocka_unit_test(a_process_in_the_same_namespaces_is_no_news),
	    cmocka_unit_test(what_is_sent_to_nobody_by_name_is_no_news),
	    cmocka_unit_test(malloc_may_have_its_random_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
