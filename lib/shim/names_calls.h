/* What stands in front of functions that ask the name service. */
#ifndef DPC_SHIM_NAMES_CALLS_H
#define DPC_SHIM_NAMES_CALLS_H

#include "find.h"
#include "log.h"
#include "rules.h"

static inline void names_log_host(void)
{
	log_word(WIRE_UNCACHEABLE, "used the network");
}

/* The file is recorded after the call, as is a library that came with it. */
#define NAMED(file, type, name_, parameters, arguments) \
	SHIM type name_ parameters                          \
	{                                                   \
		type answer = REAL(name_) arguments;            \
		rules_names(file);                              \
		return answer;                                  \
	}

#define HOST(type, name_, parameters, arguments) \
	SHIM type name_ parameters                   \
	{                                            \
		names_log_host();                        \
		return REAL(name_) arguments;            \
	}

#define LISTING(file, name_) \
	SHIM void name_(void)    \
	{                        \
		REAL(name_)();       \
		rules_names(file);   \
	}

#endif
