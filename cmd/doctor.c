/* dpcache doctor: check the cache, and mend it. */
#include "cmd.h"

#include "check.h"
#include "json.h"
#include "place.h"

#include <stdio.h>

enum { D_FIX = 1, D_JSON, D_STORE };

const struct opt doctor_opts[] = {
    {"fix", 0, NULL, "mend what is found; a broken database is moved aside", D_FIX},
    {"json", 0, NULL, "print a JSON array", D_JSON},
    {"store", 0, "URL", ENGINE_URLS, D_STORE},
    {NULL, 0, NULL, NULL, 0},
};

struct printer {
	bool json, any;
};

static const char *level_name(enum finding_level level)
{
	static const char *const names[] = {
	    [FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_BROKEN] = "broken", [FINDING_FIXED] = "fixed"};
	return names[level];
}

static void print(void *context, const struct finding *f)
{
	struct printer *p = context;
	if (!p->json) {
		printf("%-7s %-10s %s\n", level_name(f->level), f->what, f->text);
		return;
	}
	struct buf b = {0};
	buf_u8(&b, '{');
	json_text(&b, "level", level_name(f->level));
	json_text(&b, "what", f->what);
	json_text(&b, "text", f->text);
	buf_u8(&b, '}');
	fputs(p->any ? ",\n" : "[\n", stdout);
	fwrite(b.data, 1, b.size, stdout);
	buf_release(&b);
	p->any = true;
}

int cmd_doctor(const struct command *self, char **words)
{
	struct opt_parser parser = {.table = self->options, .argv = words};
	struct printer printer = {0};
	struct check c = {.report = print, .context = &printer};
	dpc_error err = {0};
	static struct home home;
	const char *store = NULL;
	bool help;
	const struct opt_slot slots[] = {
	    {D_FIX, &c.fix, NULL}, {D_JSON, &printer.json, NULL}, {D_STORE, NULL, &store}, {0}};
	int rc = opt_read(&parser, slots, &help, &err);
	if (rc == DPC_OK && help)
		return cmd_help(self);
	if (rc == DPC_OK)
		rc = opt_expect_end(&parser, &err);
	if (rc != DPC_OK)
		return place_fail(&err);
	rc = store_locate(&home, store, &err);
	if (rc == DPC_OK)
		rc = check_cache(&c, &home, &err);
	if (printer.json)
		puts(printer.any ? "\n]" : "[]");
	if (rc != DPC_OK)
		return place_fail(&err);
	return c.broken ? 1 : 0;
}
