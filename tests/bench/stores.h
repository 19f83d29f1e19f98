/* What stores.c measures besides the library. All of it ends the program where it fails. */
#ifndef STORES_H
#define STORES_H

#include <stdbool.h>
#include <stddef.h>

struct kind {
	const char *prefix;
	void *(*open)(const char *where);
	/* NULL: it fills itself. */
	void (*put)(void *self, const char *key, const void *value, size_t size);
	size_t (*get)(void *self, const char *key);
	/* NULL, or that many calls at once, and the ns that they took. */
	double (*block)(void *self, bool put, long calls, long entries, long size);
};

void die(const char *what, const char *why) __attribute__((noreturn));

void *raw_sqlite_open(const char *where);
void raw_sqlite_put(void *self, const char *key, const void *value, size_t size);
size_t raw_sqlite_get(void *self, const char *key);

void *raw_lmdb_open(const char *where);
void raw_lmdb_put(void *self, const char *key, const void *value, size_t size);
size_t raw_lmdb_get(void *self, const char *key);

/* Where there is hiredis. */
void *raw_redis_open(const char *where);
void raw_redis_put(void *self, const char *key, const void *value, size_t size);
size_t raw_redis_get(void *self, const char *key);

void *python_open(const char *where);
double python_block(void *self, bool put, long calls, long entries, long size);

/* The values key-0, key-1 … in the cache at `url`, in few pieces of work; returns its bytes on
 * disk for each of them. */
double fill(const char *url, long entries, long size);

#endif
