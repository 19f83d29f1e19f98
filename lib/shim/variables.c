/* Variables that are looked up by name, and those that the C library looks up by itself. */
#include "find.h"
#include "log.h"
#include "rules.h"

#include <fmtmsg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

SHIM char *getenv(const char *name)
{
	char *value = REAL(getenv)(name);
	log_word(WIRE_VARIABLE_READ, name);
	return value;
}

SHIM char *secure_getenv(const char *name)
{
	char *value = REAL(secure_getenv)(name);
	log_word(WIRE_VARIABLE_READ, name);
	return value;
}

SHIM char *tempnam(const char *dir, const char *prefix)
{
	rules_temporary(dir);
	return REAL(tempnam)(dir, prefix);
}

SHIM int fmtmsg(long how, const char *label, int severity, const char *text, const char *action,
                const char *tag)
{
	rules_variable("MSGVERB");
	rules_variable("SEV_LEVEL");
	return REAL(fmtmsg)(how, label, severity, text, action, tag);
}

SHIM struct tm *getdate(const char *text)
{
	rules_date();
	return REAL(getdate)(text);
}
