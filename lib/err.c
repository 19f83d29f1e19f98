#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int dpc__fail(dpc_error *err, int code, const char *format, ...)
{
	if (!err)
		return code;
	va_list args;
	va_start(args, format);
	err->code = code;
	vsnprintf(err->message, sizeof err->message, format, args);
	va_end(args);
	return code;
}

int dpc__fail_errno(dpc_error *err, const char *format, ...)
{
	int saved = errno;
	if (!err)
		return DPC_E_IO;
	va_list args;
	va_start(args, format);
	err->code = DPC_E_IO;
	int n = vsnprintf(err->message, sizeof err->message, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof err->message)
		snprintf(err->message + n, sizeof err->message - (size_t)n, ": %s", strerror(saved));
	errno = saved;
	return DPC_E_IO;
}

int dpc__context(dpc_error *err, int code, const char *format, ...)
{
	if (!err)
		return code;
	char inner[sizeof err->message];
	memcpy(inner, err->message, sizeof inner);
	va_list args;
	va_start(args, format);
	int n = vsnprintf(err->message, sizeof err->message, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof err->message)
		snprintf(err->message + n, sizeof err->message - (size_t)n, ": %s", inner);
	return code;
}
