/* Loading libraries.
 *
 * The C library looks from where dlopen is called: the caller's own search path counts,
 * and the caller would be us. Where that matters, the call is passed on by a jump (which
 * compilers make of it in this place when they optimise; a test sees to it), and what
 * it loaded is recorded later: when more is loaded, a program is executed, or at the
 * end. */
#include "find.h"
#include "library.h"
#include "log.h"
#include "objects.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* Would the name be sought along a path of the caller's? */
static bool is_callers_affair(const char *name)
{
	if (!name || (strchr(name, '/') && !strchr(name, '$')))
		return false;
	/* $ORIGIN is the caller's directory. */
	if (strchr(name, '$'))
		return true;
	return objects_have_path();
}

static void log_failure(const char *name)
{
	if (strchr(name, '/'))
		log_read_by_rule(name);
	else
		library_log_absent(name);
}

SHIM void *dlopen(const char *name, int flags)
{
	if (is_callers_affair(name)) {
		library_sweep_later();
		return REAL(dlopen)(name, flags);
	}
	void *handle = REAL(dlopen)(name, flags);
	if (!handle && name && log_on())
		log_failure(name);
	library_sweep();
	return handle;
}

SHIM __attribute__((noreturn)) void _exit(int status)
{
	library_sweep_now();
	REAL(_exit)(status);
	__builtin_unreachable();
}

SHIM __attribute__((noreturn)) void _Exit(int status)
{
	library_sweep_now();
	REAL(_Exit)(status);
	__builtin_unreachable();
}

__attribute__((destructor)) static void at_end(void)
{
	library_sweep_now();
}
