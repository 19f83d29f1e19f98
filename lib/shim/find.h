/* The functions that the shim stands in front of: found once each, at first need,
 * without a lock and without memory, so in signal handlers and behind vfork, too. */
#ifndef DPC_SHIM_FIND_H
#define DPC_SHIM_FIND_H

#include "table.h"

#include <stdatomic.h>

enum real_function {
#define X(name) REAL_##name,
	SHIM_TABLE(X)
#undef X
	    REAL_COUNT
};

extern _Atomic(void *) real_found[REAL_COUNT];

void *real_find(enum real_function which);

static inline void *real_function(enum real_function which)
{
	void *known = atomic_load_explicit(&real_found[which], memory_order_relaxed);
	return __builtin_expect(!!known, 1) ? known : real_find(which);
}

/* The next `name` behind the shim's own: the C library's, or that of another library
 * that the user preloads. */
#define REAL(name) ((__typeof__(&name))real_function(REAL_##name))

#define SHIM __attribute__((visibility("default")))

#endif
