/* mc_link: connections to the servers of a memcached:// store, by libmemcached, and what is
 * asked over them: items of text and bytes by name. Which server has a name's item is found
 * by consistent hashing (ketama), so that one server more or less moves few of them.
 *
 *   mc_link_open → mc_get, mc_put … → mc_link_close
 *
 * Each question is put to one server, and answered within the store's time-out. One that
 * fails is left alone for a while (breaker.h); the others are not. DPC_E_IO names it.
 *
 * A link is for one thread at a time, and one user. A process that was forked has none of
 * its parent's. */
#ifndef DPC_MEMCACHED_LINK_H
#define DPC_MEMCACHED_LINK_H

#include "store.h"

#include <libmemcached/memcached.h>

struct mc_link {
	memcached_st *mc;        /* NULL: to be made anew */
	const struct home *home; /* borrowed, from open to close */
	uint64_t connected;      /* bit n: server n has answered over this */
	uint64_t proven;         /* the same, since the link was opened */
	uint64_t epoch;          /* another whenever connections are made anew */
	uint64_t process;        /* whose they are (process.h) */
};

/* Connects to nobody yet. DPC_E_USAGE for more servers than there are bits. */
int mc_link_open(struct mc_link **out, const struct home *h, dpc_error *err);
void mc_link_close(struct mc_link *l);

/* --- names --- */

enum { MC_NAME = 160 };

/* "dpc:NS:KEY:KIND". */
void mc_key(char out[MC_NAME], const struct mc_link *l, const struct digest *key, const char *kind);
/* "dpc:NS:WORD". */
void mc_name(char out[MC_NAME], const struct mc_link *l, const char *word);

/* --- questions --- */

/* What a server has under a name. Zero-initialise; buf_release(&item.data). */
struct mc_item {
	struct buf data;
	uint64_t cas;   /* another with every change, as long as the server lives … */
	uint64_t epoch; /* … which is certain only for connections that are the same */
};

/* DPC_MISS. */
int mc_get(struct mc_item *out, struct mc_link *l, const char *name, dpc_error *err);

/* The text of an item as a number; 0 where it is none. */
uint64_t mc_number(const struct mc_item *item);

/* How long an item is kept, as memcached wants it told. */
enum { MC_FOREVER = 0, MC_MONTH = 30 * 86400, MC_AT_AN_END = MC_MONTH + 1 /* a moment of 1970 */ };

/* For at least that long: servers count whole seconds. DPC_FOREVER. */
time_t mc_expiry(int64_t ns);

struct mc_new {
	const char *name;
	struct slice value;
	time_t expiry;
};

int mc_set(struct mc_link *l, const struct mc_new *n, dpc_error *err);
/* Where there is none. DPC_MISS: there is. */
int mc_add(struct mc_link *l, const struct mc_new *n, dpc_error *err);
/* In place of exactly `old`. DPC_MISS: that is not there any more, or it cannot be told. */
int mc_replace(struct mc_link *l, const struct mc_new *n, const struct mc_item *old, dpc_error *err);

/* A number as an item: in place of `old`, or NULL where there is none. DPC_MISS as above. */
int mc_put_number(struct mc_link *l, const char *name, uint64_t value, time_t expiry,
                  const struct mc_item *old, dpc_error *err);

/* DPC_MISS: there was none. */
int mc_delete(struct mc_link *l, const char *name, dpc_error *err);

/* To a number that is there. DPC_MISS: none is. */
int mc_increment(uint64_t *out, struct mc_link *l, const char *name, uint32_t by, dpc_error *err);

/* Does each server answer? Asks by names that lead to all of them. */
int mc_ping(struct mc_link *l, dpc_error *err);

#endif
