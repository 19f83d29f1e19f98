#include "trace_rules.h"

#include <fnmatch.h>
#include <string.h>

/* A path of the system that says nothing of the world that a program's result could
 * depend on in earnest: of the process itself, or asked for by the C library and its
 * kin. An entry that ends in a slash is all below it. */
static const char *const ignored[] = {
    "/proc/self/",
    "/proc/thread-self/",
    "/proc/self",
    "/proc/filesystems",
    "/proc/mounts",
    "/proc/cmdline",
    "/proc/version",
    "/dev/null",
    "/dev/zero",
    "/proc/sys/kernel/cap_last_cap",
    "/proc/sys/kernel/ngroups_max",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/crypto/fips_enabled",
    "/proc/sys/kernel/random/",
    "/dev/full",
    "/dev/tty",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
    "/dev/fd/",
    "/dev/fd",
    "/dev/pts/",
    "/dev/ptmx",
    "/dev/random",
    "/dev/urandom",
    "/sys/fs/selinux",
    "/sys/fs/cgroup/",
    "/sys/kernel/mm/",
    "/sys/devices/system/cpu/",
};

bool trace_is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || !path[n]);
}

static bool is_ignored_by_table(const char *path)
{
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
		size_t n = strlen(ignored[i]);
		bool all_below = n > 1 && ignored[i][n - 1] == '/';
		if (all_below ? strncmp(path, ignored[i], n) == 0 : strcmp(path, ignored[i]) == 0)
			return true;
	}
	return false;
}

bool trace_ignores(const struct trace_rules *r, const char *path)
{
	if (is_ignored_by_table(path) || trace_is_below(path, r->home))
		return true;
	for (size_t i = 0; i < r->ignore_count; i++)
		if (fnmatch(r->ignore[i], path, 0) == 0)
			return true;
	return false;
}

bool trace_is_make(const char *program)
{
	const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;
	return strcmp(name, "make") == 0 || strcmp(name, "gmake") == 0;
}

bool trace_only_hands_on(const char *program)
{
	static const char *const known[] = {"gcc",     "g++",     "cc",   "c++",  "cpp",  "collect2",
	                                    "cc1",     "cc1plus", "as",   "ld",   "nice", "nohup",
	                                    "timeout", "xargs",   "find", "ninja"};
	/* The user's own of that name may do otherwise. */
	if (!trace_is_below(program, "/usr"))
		return false;
	const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const char *at = strstr(name, known[i]);
		size_t n = strlen(known[i]);
		/* gcc, x86_64-linux-gnu-gcc-12 */
		if (at && (at == name || at[-1] == '-') && (!at[n] || at[n] == '-' || at[n] == '.'))
			return true;
	}
	return false;
}
