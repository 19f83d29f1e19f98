/* dpcache key: the key that run would use. */
#include "cmd.h"

#include "ask.h"
#include "json.h"
#include "options.h"
#include "parts.h"
#include "place.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

static void put_inputs(struct buf *b, bool json, const struct observations *o)
{
	for (size_t i = 0; i < o->count; i++) {
		const char *path = observation_path(o, i);
		const char *name = observation_kind_name(o->v[i].kind);
		part_put(b, json, name, (struct slice){(const uint8_t *)path, strlen(path)});
	}
}

static void explain(const struct ask *a, bool json)
{
	struct buf b = {0};
	char hex[DIGEST_HEX];
	digest_hex(hex, &a->key);
	if (json) {
		buf_u8(&b, '{');
		json_text(&b, "key", hex);
		json_name(&b, "parts");
		buf_u8(&b, '[');
	}
	parts_put(&b, json, (struct slice){a->bytes.data, a->bytes.size});
	put_inputs(&b, json, &a->observed);
	if (json)
		buf_put(&b, "]}\n", 3);
	if (!b.failed)
		fwrite(b.data, 1, b.size, stdout);
	buf_release(&b);
}

static int print_key(struct run_options *o, const struct place *p, dpc_error *err)
{
	struct ask a;
	char hex[DIGEST_HEX];
	int rc = ask_init(&a, &p->home, &o->policy, &o->question, o->exe[0] && !o->no_exe ? o->exe : NULL, err);
	if (rc == DPC_OK)
		rc = ask_observe(&a, err);
	if (rc == DPC_OK && (o->explain || o->json)) {
		explain(&a, o->json);
	} else if (rc == DPC_OK) {
		digest_hex(hex, &a.key);
		puts(hex);
	}
	ask_release(&a);
	return rc;
}

int cmd_key(const struct command *self, char **words)
{
	static struct run_options o;
	struct place p = {.home = {.fd = -1}};
	dpc_error err = {0};
	int rc = options_parse(&o, self->options, words, &err);
	if (rc == DPC_OK && o.help)
		return cmd_help(self);
	/* Variables are keyed with the store's secret: there has to be one. */
	if (rc == DPC_OK)
		rc = place_open(&p, o.store, true, &err);
	if (rc == DPC_OK)
		rc = options_settle(&o, &p.home, &err);
	int status = 0;
	if (rc == DPC_OK && o.exe_errno)
		status = report_exec_failure(&o, o.exe_errno);
	else if (rc == DPC_OK)
		rc = print_key(&o, &p, &err);
	place_close(&p);
	options_release(&o);
	return rc == DPC_OK ? status : place_fail(&err);
}
