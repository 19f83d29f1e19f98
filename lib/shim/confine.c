#include "confine.h"

#include "find.h"
#include "log.h"

#include <sys/prctl.h>

/* Of the kernel's linux/seccomp.h, which musl-gcc does not see. */
enum { MODE_STRICT = 1, MODE_FILTER = 2, SET_MODE_STRICT = 0, SET_MODE_FILTER = 1 };

/* With no filter, it is only asked whether there could be one. */
static void begin(bool strict, bool filters, long filter)
{
	if (strict || (filters && filter))
		log_end("restricted its own system calls");
}

void confine_by_prctl(int option, long mode, long filter)
{
	if (option == PR_SET_SECCOMP)
		begin(mode == MODE_STRICT, mode == MODE_FILTER, filter);
}

void confine_by_seccomp(long operation, long filter)
{
	begin(operation == SET_MODE_STRICT, operation == SET_MODE_FILTER, filter);
}

/* Declared with "...", where the arguments come in the same places. */
SHIM int shim_prctl(int option, long a, long b, long c, long d) __asm__("prctl");

SHIM int shim_prctl(int option, long a, long b, long c, long d)
{
	confine_by_prctl(option, a, b);
	return REAL(prctl)(option, a, b, c, d);
}
