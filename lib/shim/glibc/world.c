/* What a program learns of its world: glibc's further functions. */
#include "names_calls.h"

#include "hidden.h"

#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <shadow.h>
#include <stdlib.h>

SHIM char *__secure_getenv(const char *name)
{
	char *value = REAL(__secure_getenv)(name);
	log_word(WIRE_VARIABLE_READ, name);
	return value;
}

SHIM locale_t __newlocale(int mask, const char *name, locale_t base)
{
	locale_t locale = REAL(__newlocale)(mask, name, base);
	rules_locale(name);
	return locale;
}

#define ZONED(type, name, parameters, arguments) \
	SHIM type name parameters                    \
	{                                            \
		rules_zone();                            \
		return REAL(name) arguments;             \
	}

ZONED(time_t, timelocal, (struct tm * tm), (tm))
ZONED(size_t, __strftime_l,
      (char *text, size_t room, const char *format, const struct tm *tm, locale_t locale),
      (text, room, format, tm, locale))
ZONED(size_t, wcsftime, (wchar_t * text, size_t room, const wchar_t *format, const struct tm *tm),
      (text, room, format, tm))
ZONED(size_t, wcsftime_l,
      (wchar_t * text, size_t room, const wchar_t *format, const struct tm *tm, locale_t locale),
      (text, room, format, tm, locale))
ZONED(size_t, __wcsftime_l,
      (wchar_t * text, size_t room, const wchar_t *format, const struct tm *tm, locale_t locale),
      (text, room, format, tm, locale))

NAMED("passwd", int, getpwent_r, (struct passwd * entry, char *room, size_t size, struct passwd **result),
      (entry, room, size, result))
NAMED("passwd", int, getpw, (uid_t user, char *text), (user, text))
NAMED("group", int, getgrent_r, (struct group * entry, char *room, size_t size, struct group **result),
      (entry, room, size, result))
NAMED("shadow", struct spwd *, getspent, (void), ())
NAMED("shadow", int, getspnam_r,
      (const char *name, struct spwd *entry, char *room, size_t size, struct spwd **result),
      (name, entry, room, size, result))
NAMED("services", struct servent *, getservent, (void), ())
NAMED("services", int, getservbyname_r,
      (const char *name, const char *protocol, struct servent *entry, char *room, size_t size,
       struct servent **result),
      (name, protocol, entry, room, size, result))
NAMED("services", int, getservbyport_r,
      (int port, const char *protocol, struct servent *entry, char *room, size_t size,
       struct servent **result),
      (port, protocol, entry, room, size, result))

HOST(int, gethostbyname_r,
     (const char *name, struct hostent *entry, char *room, size_t size, struct hostent **result, int *error),
     (name, entry, room, size, result, error))
HOST(int, gethostbyname2_r,
     (const char *name, int family, struct hostent *entry, char *room, size_t size, struct hostent **result,
      int *error),
     (name, family, entry, room, size, result, error))
HOST(int, gethostbyaddr_r,
     (const void *address, socklen_t length, int family, struct hostent *entry, char *room, size_t size,
      struct hostent **result, int *error),
     (address, length, family, entry, room, size, result, error))
HOST(int, getaddrinfo_a, (int mode, struct gaicb *list[], int count, struct sigevent *event),
     (mode, list, count, event))
