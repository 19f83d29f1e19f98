/* Loading libraries: glibc's further function. */
#include "find.h"
#include "library.h"
#include "log.h"

#include <dlfcn.h>

/* By a jump, as dlopen. */
SHIM void *dlmopen(Lmid_t space, const char *name, int flags)
{
	if (space != LM_ID_BASE)
		log_word(WIRE_UNCACHEABLE, "loaded libraries apart, with a C library of their own");
	library_sweep_later();
	return REAL(dlmopen)(space, name, flags);
}
