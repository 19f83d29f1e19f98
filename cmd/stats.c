/* dpcache stats: totals. */
#include "cmd.h"

#include "json.h"
#include "place.h"
#include "text.h"

#include <stdio.h>

enum { T_JSON = 1, T_RESET, T_STORE };

const struct opt stats_opts[] = {
    {"json", 0, NULL, "print a JSON object", T_JSON},
    {"reset", 0, NULL, "set the counters to zero after printing them", T_RESET},
    {"store", 0, "URL", ENGINE_URLS, T_STORE},
    {NULL, 0, NULL, NULL, 0},
};

struct totals {
	struct counters counters;
	uint64_t entries, bytes, floor;
	dpc_error unlisted; /* why entries and bytes are not known; code 0: they are */
};

static int add_entry(void *context, const struct entry_info *e)
{
	struct totals *t = context;
	if (e->generation >= t->floor) {
		t->entries += !(e->flags & CAPSULE_MANIFEST);
		t->bytes += e->stored_size;
	}
	return DPC_OK;
}

/* Of all answers, those that needed no run. */
static double hit_rate(const struct counters *c)
{
	int64_t shared = c->v[COUNTER_HITS] + c->v[COUNTER_STALE] + c->v[COUNTER_FOLLOWS];
	int64_t all = shared + c->v[COUNTER_MISSES] + c->v[COUNTER_FAILURES] + c->v[COUNTER_UNCACHED];
	return all ? (double)shared / (double)all : 0;
}

static void print_json(const struct totals *t)
{
	struct buf b = {0};
	char rate[32];
	const int64_t *v = t->counters.v;
	buf_u8(&b, '{');
	json_int(&b, "hits", v[COUNTER_HITS]);
	json_int(&b, "stale", v[COUNTER_STALE]);
	json_int(&b, "misses", v[COUNTER_MISSES]);
	json_int(&b, "coalesced", v[COUNTER_FOLLOWS]);
	json_int(&b, "failures", v[COUNTER_FAILURES]);
	json_int(&b, "uncached", v[COUNTER_UNCACHED]);
	json_int(&b, "refused", v[COUNTER_REFUSED]);
	json_name(&b, "hit_rate");
	buf_put(&b, rate, (size_t)snprintf(rate, sizeof rate, "%.4f", hit_rate(&t->counters)));
	json_seconds(&b, "saved", v[COUNTER_SAVED_NS]);
	if (!t->unlisted.code) {
		json_int(&b, "entries", (int64_t)t->entries);
		json_int(&b, "bytes", (int64_t)t->bytes);
	}
	buf_put(&b, "}\n", 2);
	fwrite(b.data, 1, b.size, stdout);
	buf_release(&b);
}

static void print_text(const struct totals *t)
{
	char text[TEXT_SHORT];
	const int64_t *v = t->counters.v;
	printf("hits       %lld\n", (long long)v[COUNTER_HITS]);
	printf("stale      %lld\n", (long long)v[COUNTER_STALE]);
	printf("misses     %lld\n", (long long)v[COUNTER_MISSES]);
	printf("coalesced  %lld\n", (long long)v[COUNTER_FOLLOWS]);
	printf("failures   %lld\n", (long long)v[COUNTER_FAILURES]);
	printf("uncached   %lld\n", (long long)v[COUNTER_UNCACHED]);
	printf("refused    %lld\n", (long long)v[COUNTER_REFUSED]);
	printf("hit rate   %.1f %%\n", 100 * hit_rate(&t->counters));
	printf("saved      %s\n", text_duration(text, v[COUNTER_SAVED_NS]));
	if (t->unlisted.code) {
		printf("entries    unknown: %s\n", t->unlisted.message);
		return;
	}
	printf("entries    %llu\n", (unsigned long long)t->entries);
	printf("bytes      %s\n", text_size(text, t->bytes));
}

static int count_entries(struct totals *t, struct place *p, dpc_error *err)
{
	dpc_error why = {0};
	int rc = store_each(&p->store, add_entry, t, &why);
	if (rc == DPC_E_USAGE)
		t->unlisted = why;
	else if (rc < 0)
		*err = why;
	return rc == DPC_E_USAGE ? DPC_OK : rc;
}

static int read_totals(struct totals *t, struct place *p, bool reset, dpc_error *err)
{
	t->floor = p->home.state.floor;
	int rc = store_totals(&p->store, &t->counters, err);
	if (rc == DPC_OK)
		rc = count_entries(t, p, err);
	if (rc != DPC_OK || !reset)
		return rc;
	int lock = home_lock(&p->home, INT64_C(10) * 1000000000, err);
	if (lock < 0)
		return lock;
	rc = store_reset_totals(&p->store, err);
	home_unlock(lock);
	return rc;
}

int cmd_stats(const struct command *self, char **words)
{
	struct opt_parser parser = {.table = self->options, .argv = words};
	struct place p = {.home = {.fd = -1}};
	struct totals t = {0};
	dpc_error err = {0};
	const char *store = NULL;
	bool json = false, reset = false, help;
	const struct opt_slot slots[] = {
	    {T_JSON, &json, NULL}, {T_RESET, &reset, NULL}, {T_STORE, NULL, &store}, {0}};
	int rc = opt_read(&parser, slots, &help, &err);
	if (rc == DPC_OK && help)
		return cmd_help(self);
	if (rc == DPC_OK)
		rc = opt_expect_end(&parser, &err);
	if (rc == DPC_OK)
		rc = place_open_store(&p, store, &err);
	if (rc == DPC_OK)
		rc = read_totals(&t, &p, reset, &err);
	place_close(&p);
	if (rc < 0)
		return place_fail(&err);
	if (json)
		print_json(&t);
	else
		print_text(&t);
	return 0;
}
