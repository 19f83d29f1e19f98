/* Locales, message catalogs and character sets. */
#include "find.h"
#include "rules.h"

#include <iconv.h>
#include <libintl.h>
#include <locale.h>
#include <nl_types.h>

SHIM char *setlocale(int category, const char *name)
{
	char *set = REAL(setlocale)(category, name);
	rules_locale(name);
	return set;
}

SHIM locale_t newlocale(int mask, const char *name, locale_t base)
{
	locale_t locale = REAL(newlocale)(mask, name, base);
	rules_locale(name);
	return locale;
}

SHIM iconv_t iconv_open(const char *to, const char *from)
{
	iconv_t conversion = REAL(iconv_open)(to, from);
	rules_charsets();
	return conversion;
}

SHIM nl_catd catopen(const char *name, int flag)
{
	nl_catd catalog = REAL(catopen)(name, flag);
	rules_catalog(name);
	return catalog;
}

/* Where programs say which catalogs they want, and of which domain: in any order. */
SHIM char *bindtextdomain(const char *domain, const char *dir)
{
	char *bound = REAL(bindtextdomain)(domain, dir);
	if (dir)
		rules_messages(bound, domain);
	return bound;
}

SHIM char *textdomain(const char *domain)
{
	char *set = REAL(textdomain)(domain);
	if (domain)
		rules_messages(REAL(bindtextdomain)(domain, NULL), domain);
	return set;
}
