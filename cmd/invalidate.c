/* dpcache invalidate: nobody gets the old result again, nor one that is being
 * computed now. */
#include "cmd.h"

#include "forget.h"
#include "place.h"
#include "report.h"
#include "text.h"
#include "vault.h"

#include <fnmatch.h>
#include <stdio.h>

enum { I_ALL = 1, I_MATCH, I_REGION, I_STORE };

const struct opt invalidate_opts[] = {
    {"all", 0, NULL, "everything, at a cost that does not grow with it", I_ALL},
    {"match", 0, "GLOB", "results of commands that match, as ls shows them", I_MATCH},
    {"region", 0, "NAME", "the keys are names in region NAME", I_REGION},
    {"store", 0, "URL", ENGINE_URLS, I_STORE},
    {NULL, 0, NULL, NULL, 0},
};

struct request {
	bool all, help;
	const char *match, *region, *store;
	char **keys;
};

static int parse(struct request *r, const struct opt *table, char **words, dpc_error *err)
{
	struct opt_parser parser = {.table = table, .argv = words};
	*r = (struct request){0};
	const struct opt_slot slots[] = {{I_ALL, &r->all, NULL},
	                                 {I_MATCH, NULL, &r->match},
	                                 {I_REGION, NULL, &r->region},
	                                 {I_STORE, NULL, &r->store},
	                                 {0}};
	int rc = opt_read(&parser, slots, &r->help, err);
	r->keys = words + parser.at;
	if (rc != DPC_OK || r->help)
		return rc;
	if (r->all + (r->match != NULL) + (*r->keys != NULL) != 1)
		return dpc__fail(err, DPC_E_USAGE, "invalidate takes keys, or --match, or --all");
	if (r->region && !*r->keys)
		return dpc__fail(err, DPC_E_USAGE, "--region says where keys are names: it needs keys");
	return place_check_keys(r->keys, err);
}

static bool matches(void *context, struct slice label)
{
	char line[LABEL_MAX + 1];
	text_line(line, sizeof line, label.data, label.size);
	return fnmatch(context, line, 0) == 0;
}

static int invalidate(const struct request *r, struct place *p, dpc_error *err)
{
	int forgotten = 0;
	if (r->all)
		return vault_invalidate_all(&p->home, err);
	if (r->match)
		return vault_invalidate_if(&p->home, matches, (void *)r->match, err);
	return forget_keys(&forgotten, p, r->keys, r->region, err);
}

int cmd_invalidate(const struct command *self, char **words)
{
	struct request r;
	struct place p = {.home = {.fd = -1}};
	dpc_error err = {0};
	int rc = parse(&r, self->options, words, &err);
	if (rc == DPC_OK && r.help)
		return cmd_help(self);
	if (rc == DPC_OK)
		rc = place_open(&p, r.store, false, &err);
	if (rc == DPC_OK)
		rc = invalidate(&r, &p, &err);
	place_close(&p);
	/* Nothing to invalidate is nothing wrong: afterwards it is as asked. */
	return rc < 0 ? place_fail(&err) : 0;
}
