#include "value.h"

#include "events.h"
#include "scratch.h"
#include "vault.h"

#include <string.h>
#include <unistd.h>

int value_name_it(struct naming *g, const struct home *h, const struct value_name *n, int64_t ttl, dpc_error *err)
{
	*g = (struct naming){.question = {.name = n->name, .region = n->region}};
	g->policy = (struct policy){.ttl = ttl, .max_output = UINT64_MAX};
	parse_exit_set(&g->policy.cache_exit, "0");
	int rc = ask_init(&g->ask, h, &g->policy, &g->question, NULL, err);
	return rc == DPC_OK ? ask_observe(&g->ask, err) : rc;
}

int value_key(struct digest *key, const struct home *h, const struct value_name *n, dpc_error *err)
{
	struct naming g;
	int rc = value_name_it(&g, h, n, DPC_FOREVER, err);
	*key = g.ask.key;
	ask_release(&g.ask);
	return rc;
}

static int fetch(struct answer *out, struct ask *a, dpc_error *err)
{
	dpc_error why = {0};
	int rc = vault_fetch(out, a, &why);
	if (why.code == DPC_E_DENIED)
		events_append(a->home, EVENT_REFUSED, &a->key, 0);
	if (err)
		*err = why;
	return rc;
}

int value_find(struct answer *out, struct ask *a, dpc_error *err)
{
	int rc = ask_recall(out, a, err);
	/* On a server there may be a later one than the shelf's. */
	return rc == DPC_MISS && (!a->found || a->home->place) ? fetch(out, a, err) : rc;
}

int value_get(struct answer *out, const struct home *h, const struct value_name *n, int64_t ttl,
              dpc_error *err)
{
	struct naming g;
	int rc = value_name_it(&g, h, n, ttl < 0 ? DPC_FOREVER : ttl, err);
	if (rc == DPC_OK)
		rc = value_find(out, &g.ask, err);
	if (rc == DPC_OK && ttl < 0 && out->age > out->capsule.ttl)
		rc = DPC_MISS;
	if (rc != DPC_OK)
		answer_release(out);
	ask_release(&g.ask);
	return rc;
}

static int record(struct naming *g, struct recorder *r, int fd, value_feed_fn *feed, void *context,
                  dpc_error *err)
{
	struct buf meta = {0};
	struct capsule c = {
	    .key = g->ask.key,
	    .generation = g->ask.home->state.generation,
	    .pid = (uint32_t)getpid(),
	    .started = clock_wall_ns(),
	    .flags = CAPSULE_VALUE,
	    .ttl = g->policy.ttl,
	};
	ask_describe(&meta, &g->ask);
	int rc = recorder_begin(r, &c, &meta, fd, g->policy.max_output, err);
	if (rc == DPC_OK)
		rc = feed(context, r, err);
	moment_now(&r->capsule.created);
	return rc == DPC_OK ? recorder_finish(r, CAPSULE_DONE, err) : rc;
}

int value_put(const struct home *h, const struct value_name *n, int64_t ttl, value_feed_fn *feed,
              void *context, dpc_error *err)
{
	struct naming g;
	struct recorder r = {.fd = -1};
	struct scratch s = {.fd = -1};
	int rc = value_name_it(&g, h, n, ttl, err);
	if (rc != DPC_OK)
		goto out;
	scratch_open(&s, h, &g.ask.key);
	if (s.fd < 0) {
		rc = dpc__fail_errno(err, "cannot write in %s", h->path);
		goto out;
	}
	rc = record(&g, &r, s.fd, feed, context, err);
	if (rc == DPC_OK)
		rc = vault_commit(&g.ask, &r, s.name, err);
out:
	scratch_close(&s, h, &g.ask.key);
	recorder_release(&r);
	ask_release(&g.ask);
	return rc;
}

int value_remove(const struct home *h, const struct value_name *n, dpc_error *err)
{
	struct digest key;
	int rc = value_key(&key, h, n, err);
	return rc == DPC_OK ? vault_remove(h, &key, err) : rc;
}
