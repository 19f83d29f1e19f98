/* dpcache ls: what is remembered. */
#include "cmd.h"

#include "capsule.h"
#include "entry.h"
#include "json.h"
#include "place.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

enum { L_JSON = 1, L_STORE };

const struct opt ls_opts[] = {
    {"json", 0, NULL, "print a JSON array", L_JSON},
    {"store", 0, "URL", ENGINE_URLS, L_STORE},
    {NULL, 0, NULL, NULL, 0},
};

struct listing {
	bool json, any;
	uint64_t floor;
};

static void print_row(const struct entry_info *e)
{
	char hex[DIGEST_HEX], age[TEXT_SHORT], left[TEXT_SHORT], size[TEXT_SHORT], cost[TEXT_SHORT];
	char command[256];
	digest_hex(hex, &e->key);
	printf("%s %8s %8s %6s %5llu %8s %4d  %s\n", hex, text_duration(age, entry_age(e)),
	       text_duration(left, entry_left(e)), text_size(size, e->output_size),
	       (unsigned long long)e->hits, text_duration(cost, e->cost), capsule_exit_status(e->status),
	       text_line(command, sizeof command, e->label.data, e->label.size));
}

static int visit(void *context, const struct entry_info *e)
{
	struct listing *l = context;
	if (e->generation < l->floor || e->flags & CAPSULE_MANIFEST)
		return DPC_OK;
	if (l->json) {
		struct buf b = {0};
		entry_json(&b, e);
		fputs(l->any ? ",\n" : "[\n", stdout);
		fwrite(b.data, 1, b.size, stdout);
		buf_release(&b);
	} else {
		if (!l->any)
			printf("%-32s %8s %8s %6s %5s %8s %4s  %s\n", "KEY", "AGE", "LEFT", "SIZE", "HITS", "COST",
			       "EXIT", "COMMAND");
		print_row(e);
	}
	l->any = true;
	return DPC_OK;
}

int cmd_ls(const struct command *self, char **words)
{
	struct opt_parser parser = {.table = self->options, .argv = words};
	struct place p = {.home = {.fd = -1}};
	struct listing l = {0};
	dpc_error err = {0};
	const char *store = NULL;
	bool help;
	const struct opt_slot slots[] = {{L_JSON, &l.json, NULL}, {L_STORE, NULL, &store}, {0}};
	int rc = opt_read(&parser, slots, &help, &err);
	if (rc == DPC_OK && help)
		return cmd_help(self);
	if (rc == DPC_OK)
		rc = opt_expect_end(&parser, &err);
	if (rc == DPC_OK)
		rc = place_open_store(&p, store, &err);
	if (rc == DPC_OK) {
		l.floor = p.home.state.floor;
		rc = store_each(&p.store, visit, &l, &err);
	}
	if (l.json && rc >= 0)
		puts(l.any ? "\n]" : "[]");
	place_close(&p);
	return rc < 0 ? place_fail(&err) : 0;
}
