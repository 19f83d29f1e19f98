/* Options that say something of a store on a server, made part of its URL (net.h): so
 * that whoever gets that knows them, too. */
#ifndef DPC_STORE_URL_H
#define DPC_STORE_URL_H

#include "buf.h"
#include "err.h"

#include <stdbool.h>

struct store_options {
	const char *lease, *io_timeout; /* NULL: not given */
	bool read_only, unsigned_values;
};

/* *store (NULL: DPCACHE_STORE's) with them, in `url`, which the caller releases; as it is where
 * there are none. DPC_E_USAGE where that is no store on a server. */
int store_url(const char **store, struct buf *url, const struct store_options *o, dpc_error *err);

#endif
