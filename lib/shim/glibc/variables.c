/* Variables that the C library looks up by itself: glibc's further functions. */
#include "find.h"
#include "rules.h"

#include "hidden.h"

#include <time.h>

SHIM int getdate_r(const char *restrict text, struct tm *restrict result)
{
	rules_date();
	return REAL(getdate_r)(text, result);
}

/* How help is laid out. */
SHIM error_t argp_parse(const struct argp *restrict argp, int argc, char **restrict argv, unsigned flags,
                        int *restrict index, void *restrict input)
{
	rules_variable("ARGP_HELP_FMT");
	return REAL(argp_parse)(argp, argc, argv, flags, index, input);
}

SHIM void argp_help(const struct argp *restrict argp, FILE *restrict out, unsigned flags, char *restrict program)
{
	rules_variable("ARGP_HELP_FMT");
	REAL(argp_help)(argp, out, flags, program);
}
