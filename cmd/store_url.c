#include "store_url.h"

#include "engine.h"

#include <stdlib.h>
#include <string.h>

static bool is_remote(const char *url)
{
	const char *rest;
	enum engine e = url ? engine_of_url(url, &rest) : ENGINE_COUNT;
	return e < ENGINE_COUNT && engine_names[e].remote;
}

static void add(struct buf *url, char *sign, const char *name, const char *value)
{
	if (!value)
		return;
	buf_u8(url, (uint8_t)*sign);
	buf_put(url, name, strlen(name));
	buf_put(url, value, strlen(value));
	*sign = '&';
}

int store_url(const char **store, struct buf *url, const struct store_options *o, dpc_error *err)
{
	const char *first = o->lease             ? "--lease"
	                    : o->io_timeout      ? "--io-timeout"
	                    : o->read_only       ? "--read-only"
	                    : o->unsigned_values ? "--unsigned"
	                                         : NULL;
	const char *given = *store ? *store : getenv("DPCACHE_STORE");
	if (!first)
		return DPC_OK;
	if (!is_remote(given))
		return dpc__fail(err, DPC_E_USAGE, "%s is for a store on a server, and this is none", first);
	char sign = strchr(given, '?') ? '&' : '?';
	buf_put(url, given, strlen(given));
	add(url, &sign, "lease=", o->lease);
	add(url, &sign, "io_timeout=", o->io_timeout);
	add(url, &sign, "read_only=", o->read_only ? "1" : NULL);
	add(url, &sign, "unsigned=", o->unsigned_values ? "1" : NULL);
	buf_u8(url, '\0');
	if (url->failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	*store = (const char *)url->data;
	return DPC_OK;
}
