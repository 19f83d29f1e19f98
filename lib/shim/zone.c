/* Local time: what is asked for first reads the time zone's file. */
#include "find.h"
#include "rules.h"

#include <time.h>

SHIM void tzset(void)
{
	rules_zone();
	REAL(tzset)();
}

#define ZONED(type, name, parameters, arguments) \
	SHIM type name parameters                    \
	{                                            \
		rules_zone();                            \
		return REAL(name) arguments;             \
	}

ZONED(struct tm *, localtime, (const time_t *time), (time))
ZONED(struct tm *, localtime_r, (const time_t *time, struct tm *tm), (time, tm))
ZONED(time_t, mktime, (struct tm * tm), (tm))
ZONED(char *, ctime, (const time_t *time), (time))
ZONED(char *, ctime_r, (const time_t *time, char *text), (time, text))
ZONED(size_t, strftime, (char *text, size_t room, const char *format, const struct tm *tm),
      (text, room, format, tm))
ZONED(size_t, strftime_l, (char *text, size_t room, const char *format, const struct tm *tm, locale_t locale),
      (text, room, format, tm, locale))
