/* Variables that are looked up by name. */
#include "find.h"
#include "log.h"

#include <stdlib.h>

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
