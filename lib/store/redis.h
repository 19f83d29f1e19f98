/* redis: the engine's parts, between its own files. */
#ifndef DPC_REDIS_H
#define DPC_REDIS_H

#include "envelope.h"
#include "redis_link.h"

struct redis_store {
	struct redis_link *link;
	const struct home *home;
	struct signer *signer; /* NULL: unsigned */
	bool renewing;         /* an answer to a renewal is yet to come */
};

struct envelope_rules redis_rules(const struct redis_store *s);

/* Run a script, whose first `keys` words behind it, at most three, are keys. */
void redis_script(struct redis_words *w, const char *script, int keys);

/* An answer that is a number; 0 where it is none. */
int64_t redis_number(const redisReply *r);

/* Everything there is, for store_ops.each. */
int redis_each(void *self, store_visit_fn *visit, void *context, dpc_error *err);

/* --- of remote_ops; see store.h --- */

extern const struct remote_ops redis_remote;

#endif
