/* dpcache show: all about one entry. */
#include "cmd.h"

#include "entry.h"
#include "inputs.h"
#include "json.h"
#include "output.h"
#include "place.h"
#include "text.h"
#include "vault.h"

#include <stdio.h>
#include <string.h>

enum { S_INPUTS = 1, S_JSON, S_REGION, S_STORE };

const struct opt show_opts[] = {
    {"inputs", 0, NULL, "list all inputs, declared and traced", S_INPUTS},
    {"json", 0, NULL, "print a JSON object", S_JSON},
    {"region", 0, "NAME", "the key is a name in region NAME", S_REGION},
    {"store", 0, "URL", ENGINE_URLS, S_STORE},
    {NULL, 0, NULL, NULL, 0},
};

struct wish {
	bool inputs, json;
};

struct wanted {
	struct digest key;
	struct entry_info info;
};

/* What its capsule does not know: its uses. */
static int take_uses(void *context, const struct entry_info *e)
{
	struct wanted *w = context;
	if (memcmp(&e->key, &w->key, sizeof w->key) != 0)
		return DPC_OK;
	w->info.hits = e->hits;
	w->info.used = e->used;
	return DPC_MISS; /* ends the walk */
}

static void output_json(struct buf *json, const struct output *o)
{
	char hex[DIGEST_HEX], mode[8];
	digest_hex(hex, &o->sum);
	snprintf(mode, sizeof mode, "%04o", (unsigned)o->mode);
	buf_u8(json, '{');
	json_bytes(json, "path", (struct slice){(const uint8_t *)o->path, strlen(o->path)});
	json_int(json, "size", (int64_t)o->size);
	json_text(json, "mode", mode);
	json_text(json, "digest", hex);
	buf_u8(json, '}');
}

/* Loaded once already, when the entry was checked. */
static void each_output(const struct answer *a, struct buf *json)
{
	struct outputs l = {0};
	char line[4096];
	if ((a->capsule.flags & CAPSULE_FILES) && outputs_load(&l, &a->capsule, &a->frames, NULL) != DPC_OK)
		l.count = 0;
	for (size_t i = 0; i < l.count; i++) {
		const struct output *o = &l.v[i];
		if (json && i)
			buf_u8(json, ',');
		if (json)
			output_json(json, o);
		else
			printf("output    %s (%llu bytes, mode %04o)\n",
			       text_line(line, sizeof line, o->path, strlen(o->path)), (unsigned long long)o->size,
			       (unsigned)o->mode);
	}
	outputs_release(&l);
}

static void print_json(const struct wanted *w, const struct answer *a)
{
	struct buf b = {0};
	entry_json_open(&b, &w->info);
	inputs_json(&b, &a->capsule, &a->meta);
	json_name(&b, "outputs");
	buf_u8(&b, '[');
	each_output(a, &b);
	buf_put(&b, "]}\n", 3);
	fwrite(b.data, 1, b.size, stdout);
	buf_release(&b);
}

static void print_text(const struct wanted *w)
{
	const struct entry_info *e = &w->info;
	char hex[DIGEST_HEX], command[4096], text[TEXT_SHORT];
	digest_hex(hex, &e->key);
	printf("key       %s\n", hex);
	printf("command   %s\n", text_line(command, sizeof command, e->label.data, e->label.size));
	printf("exit      %d\n", capsule_exit_status(e->status));
	printf("age       %s\n", text_duration(text, entry_age(e)));
	printf("left      %s\n", entry_left(e) < 0 ? "expired" : text_duration(text, entry_left(e)));
	printf("size      %llu bytes\n", (unsigned long long)e->output_size);
	printf("hits      %llu\n", (unsigned long long)e->hits);
	printf("cost      %s\n", text_duration(text, e->cost));
}

/* What was traced may be thousands: only how many, unless they are asked for. */
static void print_inputs(const struct answer *a, bool all)
{
	struct buf b = {0};
	if (!all)
		inputs_notes_text(&b, &a->capsule);
	inputs_text(&b, "input", a->meta.observations);
	if (all)
		inputs_text(&b, "traced", a->meta.traced);
	if (b.size && !b.failed)
		fwrite(b.data, 1, b.size, stdout);
	if (!all && a->meta.traced.data)
		printf("traced    %zu inputs\n", inputs_count(a->meta.traced));
	buf_release(&b);
}

static void print(const struct wanted *w, const struct answer *a, const struct wish *how)
{
	if (how->json) {
		print_json(w, a);
		return;
	}
	if (!how->inputs)
		print_text(w);
	print_inputs(a, how->inputs);
	if (!how->inputs)
		each_output(a, NULL);
}

static int show(const struct digest *key, struct place *p, const struct wish *how, dpc_error *err)
{
	struct wanted w = {.key = *key};
	struct answer a = ANSWER_NONE;
	int rc = vault_load(&a, &p->home, &p->store, key, err);
	/* Where to find the results of a traced command is none itself. */
	if (rc == DPC_OK && (a.capsule.generation < p->home.state.floor || a.capsule.flags & CAPSULE_MANIFEST))
		rc = DPC_MISS;
	if (rc == DPC_OK) {
		w.info = vault_info(&a.capsule, &a.meta);
		rc = store_each(&p->store, take_uses, &w, err);
		/* Where entries cannot be listed their uses are not counted. */
		rc = rc == DPC_MISS || rc == DPC_E_USAGE ? DPC_OK : rc;
	}
	if (rc == DPC_OK)
		print(&w, &a, how);
	answer_release(&a);
	return rc;
}

int cmd_show(const struct command *self, char **words)
{
	struct opt_parser parser = {.table = self->options, .argv = words};
	struct place p = {.home = {.fd = -1}};
	dpc_error err = {0};
	const char *store = NULL, *region = NULL;
	struct wish how = {false, false};
	bool help;
	struct word_keys keys;
	const struct opt_slot slots[] = {{S_INPUTS, &how.inputs, NULL},
	                                 {S_JSON, &how.json, NULL},
	                                 {S_REGION, NULL, &region},
	                                 {S_STORE, NULL, &store},
	                                 {0}};
	int rc = opt_read(&parser, slots, &help, &err);
	if (rc == DPC_OK && help)
		return cmd_help(self);
	char **rest = words + parser.at;
	if (rc == DPC_OK && (!rest[0] || rest[1]))
		rc = dpc__fail(&err, DPC_E_USAGE, "show takes one key");
	if (rc == DPC_OK)
		rc = place_check_keys(rest, &err);
	if (rc == DPC_OK)
		rc = place_open_store(&p, store, &err);
	if (rc == DPC_OK && (rc = place_keys(&keys, &p, rest[0], region, &err)) == DPC_OK) {
		rc = DPC_MISS;
		for (int i = 0; i < keys.count && rc == DPC_MISS; i++)
			rc = show(&keys.key[i], &p, &how, &err);
	}
	place_close(&p);
	return rc < 0 ? place_fail(&err) : rc == DPC_MISS ? EXIT_MISS : 0;
}
