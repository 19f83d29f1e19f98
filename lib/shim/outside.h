/* Calls after which names mean something else: told, where they went well, as a reason
 * to keep nothing. */
#ifndef DPC_SHIM_OUTSIDE_H
#define DPC_SHIM_OUTSIDE_H

#include "find.h"
#include "log.h"

#define OUTSIDE(name, why, parameters, arguments) \
	SHIM int name parameters                      \
	{                                             \
		int rc = REAL(name) arguments;            \
		if (rc >= 0)                              \
			log_word(WIRE_UNCACHEABLE, why);      \
		return rc;                                \
	}

#endif
