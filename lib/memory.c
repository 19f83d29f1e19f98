#include "memory.h"

#include <stdlib.h>
#include <string.h>

struct item {
	struct item *chain;         /* the next in its bucket */
	struct item *newer, *older; /* in the order in which they were put */
	struct digest key;
	int64_t put;
	size_t size;
	bool asked_for; /* since the hand passed it */
	uint8_t bytes[];
};

struct memory {
	struct item **buckets;
	size_t bucket_count; /* a power of two */
	size_t count, used, limit;
	struct item *newest, *oldest;
	struct item *hand; /* whom to look at next when one has to go; NULL: the oldest */
};

enum { FEWEST_BUCKETS = 64 };

struct memory *memory_new(size_t limit)
{
	struct memory *m = calloc(1, sizeof *m);
	struct item **buckets = calloc(FEWEST_BUCKETS, sizeof(struct item *));
	if (!m || !buckets) {
		free(m);
		free(buckets);
		return NULL;
	}
	*m = (struct memory){.buckets = buckets, .bucket_count = FEWEST_BUCKETS, .limit = limit};
	return m;
}

void memory_free(struct memory *m)
{
	if (!m)
		return;
	while (m->newest) {
		struct item *i = m->newest;
		m->newest = i->older;
		free(i);
	}
	free(m->buckets);
	free(m);
}

/* Keys are hashes already: any of their bits will do. */
static struct item **bucket_of(const struct memory *m, const struct digest *key)
{
	uint64_t n;
	memcpy(&n, key->bytes, sizeof n);
	return &m->buckets[n & (m->bucket_count - 1)];
}

/* Where the pointer to it is; to NULL when there is none. */
static struct item **find(const struct memory *m, const struct digest *key)
{
	struct item **at = bucket_of(m, key);
	while (*at && memcmp((*at)->key.bytes, key->bytes, sizeof key->bytes) != 0)
		at = &(*at)->chain;
	return at;
}

static size_t cost_of(size_t size)
{
	return sizeof(struct item) + sizeof(struct item *) + size;
}

static void drop(struct memory *m, struct item **at)
{
	struct item *i = *at;
	*at = i->chain;
	if (m->hand == i)
		m->hand = i->newer;
	*(i->newer ? &i->newer->older : &m->newest) = i->older;
	*(i->older ? &i->older->newer : &m->oldest) = i->newer;
	m->count--;
	m->used -= cost_of(i->size);
	free(i);
}

static void drop_one(struct memory *m)
{
	struct item *i = m->hand ? m->hand : m->oldest;
	while (i->asked_for) {
		i->asked_for = false;
		i = i->newer ? i->newer : m->oldest;
	}
	m->hand = i;
	drop(m, find(m, &i->key));
}

/* One that cannot be had is done without: chains get longer. */
static void grow(struct memory *m)
{
	struct item **more = m->count < m->bucket_count ? NULL : calloc(2 * m->bucket_count, sizeof(struct item *));
	if (!more)
		return;
	free(m->buckets);
	m->buckets = more;
	m->bucket_count *= 2;
	for (struct item *i = m->newest; i; i = i->older) {
		struct item **at = bucket_of(m, &i->key);
		i->chain = *at;
		*at = i;
	}
}

static void insert(struct memory *m, struct item *i)
{
	struct item **at = bucket_of(m, &i->key);
	i->chain = *at;
	*at = i;
	i->older = m->newest;
	*(m->newest ? &m->newest->newer : &m->oldest) = i;
	m->newest = i;
	m->count++;
	m->used += cost_of(i->size);
}

bool memory_put(struct memory *m, const struct digest *key, struct slice bytes, int64_t now)
{
	memory_remove(m, key);
	if (bytes.size > m->limit || cost_of(bytes.size) > m->limit)
		return false;
	struct item *i = malloc(sizeof *i + bytes.size);
	if (!i)
		return false;
	while (m->used + cost_of(bytes.size) > m->limit)
		drop_one(m);
	*i = (struct item){.key = *key, .put = now, .size = bytes.size};
	if (bytes.size)
		memcpy(i->bytes, bytes.data, bytes.size);
	grow(m);
	insert(m, i);
	return true;
}

uint8_t *memory_get(size_t *size, struct memory *m, const struct digest *key, int64_t now, int64_t age)
{
	struct item **at = find(m, key), *i = *at;
	if (!i)
		return NULL;
	/* One from the future has no age. */
	if (now < i->put || now - i->put > age) {
		drop(m, at);
		return NULL;
	}
	i->asked_for = true;
	*size = i->size;
	return i->bytes;
}

bool memory_remove(struct memory *m, const struct digest *key)
{
	struct item **at = find(m, key);
	bool there = *at;
	if (there)
		drop(m, at);
	return there;
}

int memory_each(const struct memory *m, memory_visit_fn *visit, void *context)
{
	int rc = 0;
	for (const struct item *i = m->oldest; i && rc == 0; i = i->newer)
		rc = visit(context, &i->key, (struct slice){i->bytes, i->size});
	return rc;
}

size_t memory_count(const struct memory *m)
{
	return m->count;
}

size_t memory_bytes(const struct memory *m)
{
	return m->used;
}
