/* What is another one each time: glibc's further functions. */
#include "find.h"
#include "log.h"

#include "hidden.h"

#include <stdlib.h>

SHIM int __gettimeofday(struct timeval *now, void *zone)
{
	log_note(WIRE_SAW_TIME);
	return REAL(__gettimeofday)(now, zone);
}

SHIM pid_t __getpid(void)
{
	log_note(WIRE_SAW_PID);
	return REAL(__getpid)();
}

SHIM uint32_t arc4random(void)
{
	log_note(WIRE_SAW_RANDOM);
	return REAL(arc4random)();
}

SHIM void arc4random_buf(void *data, size_t size)
{
	log_note(WIRE_SAW_RANDOM);
	REAL(arc4random_buf)(data, size);
}

SHIM uint32_t arc4random_uniform(uint32_t bound)
{
	log_note(WIRE_SAW_RANDOM);
	return REAL(arc4random_uniform)(bound);
}
