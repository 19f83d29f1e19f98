/* Many values at once, by the library's own ways, but a batch at a time: nobody else is there,
 * so that no lock is held around it. */
#include "plain.h"
#include "stores.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BATCH = 10000 };

static uint64_t bytes;

static int add_size(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)path;
	(void)kind;
	(void)at;
	bytes += (uint64_t)st->st_blocks * 512;
	return 0;
}

static void must(int rc, const dpc_error *err)
{
	if (rc != DPC_OK)
		die("fill", err->message);
}

static void put_all(struct plain *p, long entries, long size)
{
	dpc_error err = {0};
	uint8_t *value = calloc(1, (size_t)size);
	char key[32];
	for (long i = 0; i < entries; i++) {
		/* The first one makes the store. */
		if (i % BATCH == 1)
			must(store_batch(&p->held.store, true, &err), &err);
		snprintf(key, sizeof key, "key-%ld", i);
		struct value_name n = {.name = {(const uint8_t *)key, strlen(key)}};
		must(plain_put(p, &n, DPC_FOREVER, (struct slice){value, (size_t)size}, &err), &err);
		if (i && (i % BATCH == 0 || i == entries - 1))
			must(store_batch(&p->held.store, false, &err), &err);
	}
	free(value);
}

double fill(const char *url, long entries, long size)
{
	struct home h;
	struct plain p;
	dpc_error err = {0};
	must(store_locate(&h, url, &err), &err);
	must(home_create(&h, &err), &err);
	must(plain_begin(&p, &h, 0, 0, &err), &err);
	put_all(&p, entries, size);
	plain_end(&p);
	nftw(h.path, add_size, 16, FTW_PHYS);
	home_close(&h);
	return (double)bytes / (double)entries;
}
