/* What get and put are asked for: one name and its surroundings. */
#ifndef DPC_NAMED_H
#define DPC_NAMED_H

#include "opt.h"
#include "value.h"

enum { NAMED_TTL = 1, NAMED_REGION, NAMED_STORE };

struct named {
	struct value_name name;
	int64_t ttl;       /* ns; `default_ttl` where none was given */
	const char *store; /* URL, or NULL */
	bool help;
};

/* Options by the ids above, then one key. */
int named_parse(struct named *n, const struct opt *table, char **words, int64_t default_ttl,
                dpc_error *err);

#endif
