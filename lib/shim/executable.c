#include "executable.h"

#include "log.h"
#include "platform.h"
#include "raw.h"

#include <fcntl.h>

static bool known;

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
	const char *given = known ? platform_executed() : NULL;
	if (given)
		log_outcome(kind, WIRE_EXECUTABLE_GIVEN, AT_FDCWD, given, 0);
	else
		log_asked(kind);
}
