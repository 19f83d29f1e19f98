/* dpcache prune: make room. */
#include "cmd.h"

#include "parse.h"
#include "place.h"
#include "prune.h"
#include "stats.h"
#include "text.h"

#include <stdio.h>

enum { P_MAX_SIZE = 1, P_MAX_ENTRIES, P_JSON, P_STORE };

const struct opt prune_opts[] = {
    {"max-size", 0, "SIZE", "then drop the least recently used down to SIZE (64k, 20m, 1g)", P_MAX_SIZE},
    {"max-entries", 0, "N", "then drop the least recently used down to N entries", P_MAX_ENTRIES},
    {"json", 0, NULL, "print a JSON object", P_JSON},
    {"store", 0, "URL", ENGINE_URLS, P_STORE},
    {NULL, 0, NULL, NULL, 0},
};

struct request {
	struct prune prune;
	const char *store;
	bool json, help;
};

static int parse(struct request *r, const struct opt *table, char **words, dpc_error *err)
{
	struct opt_parser parser = {.table = table, .argv = words};
	const char *max_size = NULL, *max_entries = NULL;
	long n = 0;
	*r = (struct request){.prune = {.max_size = UINT64_MAX, .max_entries = UINT64_MAX}};
	const struct opt_slot slots[] = {{P_MAX_SIZE, NULL, &max_size},
	                                 {P_MAX_ENTRIES, NULL, &max_entries},
	                                 {P_JSON, &r->json, NULL},
	                                 {P_STORE, NULL, &r->store},
	                                 {0}};
	int rc = opt_read(&parser, slots, &r->help, err);
	if (rc != DPC_OK || r->help)
		return rc;
	if (max_size && !parse_size(&r->prune.max_size, max_size))
		return dpc__fail(err, DPC_E_USAGE, "--max-size: '%s' is not a size (4096, 64k, 1g)", max_size);
	if (max_entries && !parse_number(&n, max_entries, 0, INT64_MAX))
		return dpc__fail(err, DPC_E_USAGE, "--max-entries: '%s' is not a number", max_entries);
	if (max_entries)
		r->prune.max_entries = (uint64_t)n;
	return opt_expect_end(&parser, err);
}

int cmd_prune(const struct command *self, char **words)
{
	struct request r;
	struct place p = {.home = {.fd = -1}};
	dpc_error err = {0};
	char text[TEXT_SHORT];
	int rc = parse(&r, self->options, words, &err);
	if (rc == DPC_OK && r.help)
		return cmd_help(self);
	if (rc == DPC_OK)
		rc = place_open(&p, r.store, false, &err);
	/* Recent hits count for who was used last. */
	if (rc == DPC_OK)
		rc = stats_count(&p.home, &err);
	if (rc == DPC_OK)
		rc = prune_cache(&r.prune, &p.home, &err);
	place_close(&p);
	if (rc < 0)
		return place_fail(&err);
	if (r.json)
		printf("{\"entries\":%llu,\"bytes\":%llu}\n", (unsigned long long)r.prune.count,
		       (unsigned long long)r.prune.bytes);
	else if (r.prune.count)
		printf("dropped %llu %s, %s bytes\n", (unsigned long long)r.prune.count,
		       r.prune.count == 1 ? "entry" : "entries", text_size(text, r.prune.bytes));
	return 0;
}
