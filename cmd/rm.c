/* dpcache rm: forget values and results by key. */
#include "cmd.h"

#include "forget.h"
#include "place.h"

enum { RM_REGION = 1, RM_STORE };

const struct opt rm_opts[] = {
    {"region", 0, "NAME", "the keys are names in region NAME", RM_REGION},
    {"store", 0, "URL", ENGINE_URLS, RM_STORE},
    {NULL, 0, NULL, NULL, 0},
};

int cmd_rm(const struct command *self, char **words)
{
	struct opt_parser parser = {.table = self->options, .argv = words};
	struct place p = {.home = {.fd = -1}};
	dpc_error err = {0};
	const char *region = NULL, *store = NULL;
	int forgotten = 0;
	bool help;
	const struct opt_slot slots[] = {{RM_REGION, NULL, &region}, {RM_STORE, NULL, &store}, {0}};
	int rc = opt_read(&parser, slots, &help, &err);
	if (rc == DPC_OK && help)
		return cmd_help(self);
	if (rc == DPC_OK && !words[parser.at])
		rc = dpc__fail(&err, DPC_E_USAGE, "rm needs at least one key");
	if (rc == DPC_OK)
		rc = place_check_keys(words + parser.at, &err);
	if (rc == DPC_OK)
		rc = place_open(&p, store, false, &err);
	if (rc == DPC_OK)
		rc = forget_keys(&forgotten, &p, words + parser.at, region, &err);
	place_close(&p);
	return rc < 0 ? place_fail(&err) : forgotten ? 0 : EXIT_MISS;
}
