#include "tuple.h"

#include "clock.h"

#include <endian.h>
#include <string.h>

static const int64_t TICK = INT64_C(2) * 1000000000;

void tuple_of(struct tuple *t, const struct stat *st, int64_t seen)
{
	t->dev = (uint64_t)st->st_dev;
	t->ino = (uint64_t)st->st_ino;
	t->size = (uint64_t)st->st_size;
	t->mtime = clock_ns(st->st_mtim);
	t->ctime = clock_ns(st->st_ctim);
	t->seen = seen;
}

bool tuple_same(const struct tuple *a, const struct tuple *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime == b->mtime &&
	       a->ctime == b->ctime;
}

bool tuple_racy(const struct tuple *t)
{
	return t->ctime > t->seen - TICK;
}

void tuple_put(struct buf *b, const struct tuple *t)
{
	buf_u64(b, t->dev);
	buf_u64(b, t->ino);
	buf_u64(b, t->size);
	buf_u64(b, (uint64_t)t->mtime);
	buf_u64(b, (uint64_t)t->ctime);
	buf_u64(b, (uint64_t)t->seen);
}

void tuple_get(struct cursor *c, struct tuple *t)
{
	/* At once: a hit may read a thousand. */
	uint64_t v[TUPLE_SIZE / sizeof(uint64_t)] = {0};
	struct slice all = cursor_take(c, sizeof v);
	if (all.data)
		memcpy(v, all.data, sizeof v);
	t->dev = le64toh(v[0]);
	t->ino = le64toh(v[1]);
	t->size = le64toh(v[2]);
	t->mtime = (int64_t)le64toh(v[3]);
	t->ctime = (int64_t)le64toh(v[4]);
	t->seen = (int64_t)le64toh(v[5]);
}
