/* The cache a command works on, and the words that name what is in it. */
#ifndef DPC_PLACE_H
#define DPC_PLACE_H

#include "err.h"
#include "home.h"
#include "store.h"

struct place {
	struct home home;
	struct store store; /* open only after place_open_store */
};

/* Open the cache at `url` (NULL: the default). Without `create`, a cache that
 * does not exist is DPC_MISS. */
int place_open(struct place *p, const char *url, bool create, dpc_error *err);

/* place_open, then count the event log and open the store. DPC_MISS where
 * nothing was ever remembered. */
int place_open_store(struct place *p, const char *url, dpc_error *err);

void place_close(struct place *p);

/* Print the error; EXIT_USAGE. */
int place_fail(const dpc_error *err);

/* Are all words possible keys? DPC_E_USAGE for an empty one. */
int place_check_keys(char **words, dpc_error *err);

/* The keys that a word can mean, the likelier first: 32 hexadecimal digits as
 * ls prints them, and the name of a value in `region` (NULL: none). */
struct word_keys {
	struct digest key[2];
	int count;
};
int place_keys(struct word_keys *keys, const struct place *p, const char *word, const char *region,
               dpc_error *err);

#endif
