#include "executable.h"

#include "log.h"
#include "platform.h"
#include "raw.h"

#include <fcntl.h>
#include <link.h>

static bool known;

/* What the kernel put behind the environment: without the C library's getauxval, which
 * would have to be looked up first. Behind, too, of what was taken out of it since. */
static const char *ask_auxiliary(void)
{
	char **end = platform_environment();
	while (*end)
		end++;
	while (!*end)
		end++;
	for (const ElfW(auxv_t) *a = (const void *)end; a->a_type != AT_NULL; a++)
		if (a->a_type == AT_EXECFN)
			return (const char *)a->a_un.a_val; // NOLINT(performance-no-int-to-ptr)
	return NULL;
}

void executable_is_known(bool is)
{
	known = is;
}

void executable_ask(char exe[WIRE_PATH_MAX])
{
	long n = raw_readlink("/proc/self/exe", exe, WIRE_PATH_MAX - 1);
	exe[n > 0 ? n : 0] = 0;
}

/* Apart, for its large frame. */
static __attribute__((noinline)) void log_asked(enum wire_kind kind)
{
	char exe[WIRE_PATH_MAX];
	executable_ask(exe);
	log_word(kind, exe);
}

void executable_log(enum wire_kind kind)
{
	const char *given = known ? ask_auxiliary() : NULL;
	if (given)
		log_outcome(kind, WIRE_EXECUTABLE_GIVEN, AT_FDCWD, given, 0);
	else
		log_asked(kind);
}
