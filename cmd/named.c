#include "named.h"

#include "parse.h"

#include <string.h>

static int take(struct named *n, int id, const char *value, dpc_error *err)
{
	switch (id) {
	case OPT_HELP:
		n->help = true;
		return DPC_OK;
	case NAMED_REGION:
		n->name.region = value;
		return *value ? DPC_OK : dpc__fail(err, DPC_E_USAGE, "--region: the value is empty");
	case NAMED_STORE:
		n->store = value;
		return DPC_OK;
	default:
		return parse_duration(&n->ttl, value)
		           ? DPC_OK
		           : dpc__fail(err, DPC_E_USAGE, "--ttl: '%s' is not a duration (300, 90s, 1h30m, forever)", value);
	}
}

int named_parse(struct named *n, const struct opt *table, char **words, int64_t default_ttl, dpc_error *err)
{
	struct opt_parser parser = {.table = table, .argv = words};
	const char *value;
	int id, rc;
	*n = (struct named){.ttl = default_ttl};
	while ((id = opt_next(&parser, &value, err)) != OPT_END) {
		if (id < 0)
			return id;
		if ((rc = take(n, id, value, err)) != DPC_OK)
			return rc;
	}
	const char *key = words[parser.at];
	if (n->help)
		return DPC_OK;
	if (!key || words[parser.at + 1])
		return dpc__fail(err, DPC_E_USAGE, "exactly one key is needed");
	if (!*key)
		return dpc__fail(err, DPC_E_USAGE, "the key is empty");
	n->name.name = (struct slice){(const uint8_t *)key, strlen(key)};
	return DPC_OK;
}
