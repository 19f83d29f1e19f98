/* hiredis by itself, as a program would use it: one connection, a command and its answer. */
#include "stores.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

static void check(const redisReply *r, const redisContext *c)
{
	if (!r || r->type == REDIS_REPLY_ERROR)
		die("raw-redis", r ? r->str : c->errstr);
}

void *raw_redis_open(const char *where)
{
	redisContext *c = redisConnectUnix(where);
	if (!c || c->err)
		die(where, c ? c->errstr : "out of memory");
	return c;
}

void raw_redis_put(void *self, const char *key, const void *value, size_t size)
{
	redisReply *r = redisCommand(self, "SET %s %b", key, value, size);
	check(r, self);
	freeReplyObject(r);
}

size_t raw_redis_get(void *self, const char *key)
{
	redisReply *r = redisCommand(self, "GET %s", key);
	check(r, self);
	size_t size = r->len;
	char *copy = malloc(size ? size : 1);
	if (!copy)
		die("raw-redis", "out of memory");
	memcpy(copy, r->str, size);
	free(copy);
	freeReplyObject(r);
	return size;
}
