/* dpcache rm: forget values and results by key. */
#include "cmd.h"

#include "forget.h"
#include "place.h"

enum { RM_REGION = 1, RM_STORE };

const struct opt rm_opts[] = {
    {"region", 0, "NAME", "the keys are names in region NAME", RM_REGION},
    {"store", 0, "URL", "sqlite:[DIRECTORY]", RM_STORE},
    {NULL, 0, NULL, NULL, 0},
};

int cmd_rm(const struct command *self, char **words)
{
	struct opt_parser parser = {.table = self->options, .argv = words};
	struct place p = {.home = {.fd = -1}};
	dpc_error err = {0};
	const char *value, *region = NULL, *store = NULL;
	int id, rc, forgotten = 0;
	while ((id = opt_next(&parser, &value, &err)) != OPT_END) {
		if (id < 0)
			return place_fail(&err);
		if (id == OPT_HELP)
			return cmd_help(self);
		*(id == RM_REGION ? &region : &store) = value;
	}
	if (!words[parser.at]) {
		dpc__fail(&err, DPC_E_USAGE, "rm needs at least one key");
		return place_fail(&err);
	}
	rc = place_check_keys(words + parser.at, &err);
	if (rc == DPC_OK)
		rc = place_open(&p, store, false, &err);
	if (rc == DPC_OK)
		rc = forget_keys(&forgotten, &p, words + parser.at, region, &err);
	place_close(&p);
	return rc < 0 ? place_fail(&err) : forgotten ? 0 : EXIT_MISS;
}
