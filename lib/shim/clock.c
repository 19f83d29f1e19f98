/* What is another one each time: the hour, chance, the number of the process. */
#include "find.h"
#include "log.h"

#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

SHIM time_t time(time_t *now)
{
	log_note(WIRE_SAW_TIME);
	return REAL(time)(now);
}

SHIM int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	log_note(WIRE_SAW_TIME);
	return REAL(gettimeofday)(now, zone);
}

SHIM int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI)
		log_note(WIRE_SAW_TIME);
	return REAL(clock_gettime)(clock, now);
}

SHIM int timespec_get(struct timespec *now, int base)
{
	log_note(WIRE_SAW_TIME);
	return REAL(timespec_get)(now, base);
}

SHIM ssize_t getrandom(void *data, size_t size, unsigned flags)
{
	log_note(WIRE_SAW_RANDOM);
	return REAL(getrandom)(data, size, flags);
}

SHIM int getentropy(void *data, size_t size)
{
	log_note(WIRE_SAW_RANDOM);
	return REAL(getentropy)(data, size);
}

SHIM pid_t getpid(void)
{
	log_note(WIRE_SAW_PID);
	return REAL(getpid)();
}
