/* stores: what getting and putting plain values costs, side by side.
 *
 *   stores [-n ROUNDS] [-b CALLS] [-e ENTRIES] [-s BYTES] get|put CONTESTANT...
 *   stores [-e ENTRIES] [-s BYTES] fill URL
 *
 * In the first form each contestant first gets ENTRIES values (default 1000) of BYTES
 * (default 1024); then, in every round (default 31), each makes CALLS (default 1000)
 * of the calls, one contestant after the other, so that all of them meet the same
 * weather; compare only what one run printed. A contestant is
 *   sqlite:DIR, lmdb:DIR, …   the library by its URL
 *   filled:ENTRIES:URL        the same, which `stores fill` has filled: each round its last
 *                             1000 entries are asked for, behind a commit
 *   raw-sqlite:DIR            SQLite alone, as the library uses it: WAL, synchronous=NORMAL,
 *                             one table of keys and values, prepared statements, its own
 *                             automatic checkpoints
 *   raw-lmdb:DIR              LMDB alone: a transaction for each call, MDB_NOSYNC|MDB_NOTLS
 *   raw-redis:SOCKET          hiredis alone
 *   python:SCRIPT             see tests/bench/stores_diskcache.py
 * What is got is a copy on the heap, which is freed; making the key, a few letters and a number,
 * is part of each call. Prints a line for each, fields
 * separated by tabs: median, 10th and 90th percentile of the rounds (ns for one call);
 * calls per second as a part of the last contestant's; name.
 *
 * In the second form ENTRIES values are put in few pieces of work, by the library's own
 * ways; then their bytes on disk are printed, for each entry. */
#include "dpcache.h"
#include "stores.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LAST = 1000 };

static long rounds = 31, calls = 1000, entries = 1000, value_size = 1024;

void die(const char *what, const char *why)
{
	fprintf(stderr, "stores: %s: %s\n", what, why);
	exit(1);
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* --- the library --- */

static void *ours_open(const char *where)
{
	dpc_cache *c;
	dpc_error err = {0};
	if (dpc_cache_open(&c, where, &err) != DPC_OK)
		die(where, err.message);
	return c;
}

static void ours_put(void *self, const char *key, const void *value, size_t size)
{
	dpc_error err = {0};
	if (dpc_cache_put(self, key, strlen(key), value, size, DPC_FOREVER, &err) != DPC_OK)
		die(key, err.message);
}

static size_t ours_get(void *self, const char *key)
{
	uint8_t *value;
	uint64_t size;
	dpc_error err = {0};
	if (dpc_cache_get(&value, &size, self, key, strlen(key), DPC_FOREVER, &err) != DPC_OK)
		die(key, err.code < 0 ? err.message : "is missing");
	dpc_free(value);
	return size;
}

static const struct kind kinds[] = {
    {"raw-sqlite:", raw_sqlite_open, raw_sqlite_put, raw_sqlite_get, NULL},
    {"raw-lmdb:", raw_lmdb_open, raw_lmdb_put, raw_lmdb_get, NULL},
#ifdef WITH_REDIS
    {"raw-redis:", raw_redis_open, raw_redis_put, raw_redis_get, NULL},
#endif
    {"python:", python_open, NULL, NULL, python_block},
    {"", ours_open, ours_put, ours_get, NULL},
};

/* --- contestants --- */

struct contestant {
	const struct kind *kind;
	const char *name;
	void *self;
	long filled; /* with so many, before; or 0 */
	long asked;  /* calls so far */
	double *ns; /* for one call, of each round */
};

static void key_for(char key[32], long n)
{
	snprintf(key, 32, "key-%ld", n);
}

static long number(const char *text, char end_with)
{
	char *end;
	long n = strtol(text, &end, 10);
	if (*end != end_with || n < 1)
		die(text, "is not a number");
	return n;
}

static void put_all(struct contestant *c)
{
	uint8_t *value = calloc(1, (size_t)value_size);
	char key[32];
	for (long i = 0; c->kind->put && i < entries; i++) {
		key_for(key, i);
		c->kind->put(c->self, key, value, (size_t)value_size);
	}
	free(value);
}

static void enter(struct contestant *c, const char *name)
{
	static const char filled[] = "filled:";
	*c = (struct contestant){.kind = kinds, .name = name, .ns = calloc((size_t)rounds, sizeof *c->ns)};
	if (strncmp(name, filled, sizeof filled - 1) == 0) {
		name += sizeof filled - 1;
		c->filled = number(name, ':');
		name = strchr(name, ':') + 1;
	}
	while (strncmp(name, c->kind->prefix, strlen(c->kind->prefix)) != 0)
		c->kind++;
	c->self = c->kind->open(name + strlen(c->kind->prefix));
	if (!c->filled)
		put_all(c);
}

/* Neither in the order in which they were put, nor at random: all contestants ask for the same. */
static long next_entry(struct contestant *c)
{
	long span = c->filled ? LAST : entries;
	return (c->filled ? c->filled - LAST : 0) + c->asked++ * 7919 % span;
}

static void block(struct contestant *c, bool put, long count)
{
	uint8_t *value = calloc(1, (size_t)value_size);
	char key[32];
	for (long i = 0; i < count; i++) {
		key_for(key, next_entry(c));
		memcpy(value, &c->asked, sizeof c->asked);
		if (put)
			c->kind->put(c->self, key, value, (size_t)value_size);
		else if (c->kind->get(c->self, key) != (size_t)value_size)
			die(c->name, "gave a value of another size");
	}
	free(value);
}

/* What a handle remembers of its reads counts until there is a commit. */
static void forget(struct contestant *c)
{
	c->kind->put(c->self, "another", "", 0);
}

static double timed(struct contestant *c, bool put)
{
	if (c->kind->block)
		return c->kind->block(c->self, put, calls, entries, value_size) / (double)calls;
	if (c->filled)
		forget(c);
	double start = now_ns();
	block(c, put, calls);
	return (now_ns() - start) / (double)calls;
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double part(const struct contestant *c, int percent)
{
	return c->ns[(rounds - 1) * percent / 100];
}

static void compete(struct contestant *all, int count, bool put)
{
	for (long r = -1; r < rounds; r++)
		for (int i = 0; i < count; i++) {
			double ns = timed(&all[i], put);
			/* The first round is for warming up. */
			if (r >= 0)
				all[i].ns[r] = ns;
		}
	for (int i = 0; i < count; i++)
		qsort(all[i].ns, (size_t)rounds, sizeof *all[i].ns, by_number);
	for (int i = 0; i < count; i++)
		printf("%.0f\t%.0f\t%.0f\t%.3f\t%s\n", part(&all[i], 50), part(&all[i], 10), part(&all[i], 90),
		       part(&all[count - 1], 50) / part(&all[i], 50), all[i].name);
}

int main(int argc, char **argv)
{
	struct contestant all[8];
	int option, count = 0;
	while ((option = getopt(argc, argv, "n:b:e:s:")) != -1) {
		if (option == '?')
			return 1;
		*(option == 'n' ? &rounds : option == 'b' ? &calls : option == 'e' ? &entries : &value_size) = number(optarg, '\0');
	}
	const char *what = optind < argc ? argv[optind++] : "";
	if (strcmp(what, "fill") == 0 && optind < argc) {
		printf("%.1f\n", fill(argv[optind], entries, value_size));
		return 0;
	}
	if (strcmp(what, "get") != 0 && strcmp(what, "put") != 0)
		die(what, "is neither get nor put nor fill");
	for (; optind < argc && count < 8; optind++)
		enter(&all[count++], argv[optind]);
	if (count)
		compete(all, count, *what == 'p');
	return 0;
}
