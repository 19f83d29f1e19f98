/* Plain values under a name: the cache without a command. The same keys,
 * capsules and stores as for runs; `dpcache run --key NAME` meets them. */
#ifndef DPC_VALUE_H
#define DPC_VALUE_H

#include "ask.h"
#include "recorder.h"

struct value_name {
	struct slice name;  /* any bytes, not empty */
	const char *region; /* NULL: none */
};

/* A named value asks a question with a name and nothing else. */
struct naming {
	struct question question;
	struct policy policy;
	struct ask ask; /* borrows the others */
};

/* Ready to be asked; to be ended with ask_release(&g->ask) in any case. */
int value_name_it(struct naming *g, const struct home *h, const struct value_name *n, int64_t ttl, dpc_error *err);

/* The key of a named value. */
int value_key(struct digest *key, const struct home *h, const struct value_name *n, dpc_error *err);

/* On the shelf, then in the store; of any age that the asking takes. DPC_MISS. */
int value_find(struct answer *out, struct ask *a, dpc_error *err);

/* `ttl`: greatest age accepted; negative takes the writer's. DPC_MISS. */
int value_get(struct answer *out, const struct home *h, const struct value_name *n, int64_t ttl,
              dpc_error *err);

/* The value comes from `feed`, which appends it to the recorder. */
typedef int value_feed_fn(void *context, struct recorder *r, dpc_error *err);
int value_put(const struct home *h, const struct value_name *n, int64_t ttl, value_feed_fn *feed,
              void *context, dpc_error *err);

/* DPC_MISS when there was none. */
int value_remove(const struct home *h, const struct value_name *n, dpc_error *err);

#endif
