#include "record.h"

#include "row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char MAGIC[] = "dpcache ";

struct record_key record_key(enum record_kind kind, const struct digest *d)
{
	struct record_key k = {.size = d ? sizeof k.bytes : 1};
	k.bytes[0] = (uint8_t)kind;
	if (d)
		memcpy(k.bytes + 1, d->bytes, sizeof d->bytes);
	return k;
}

static struct cursor cursor_of(struct slice s)
{
	return (struct cursor){s.data, s.data + s.size, false};
}

void record_encode_entry(struct buf *b, const struct entry_info *info)
{
	row_put(b, info);
}

bool record_decode_entry(struct entry_info *info, struct slice *capsule, const struct digest *key,
                         struct slice value)
{
	struct cursor c = cursor_of(value);
	bool sound = row_get(info, &c, key) == DPC_OK;
	*capsule = sound ? (struct slice){c.at, (size_t)(c.end - c.at)} : (struct slice){NULL, 0};
	return sound;
}

void record_encode_usage(struct buf *b, const struct usage *u)
{
	buf_u64(b, u->hits);
	buf_u64(b, (uint64_t)u->used);
}

struct usage record_decode_usage(struct slice value)
{
	struct cursor c = cursor_of(value);
	struct usage u = {.hits = cursor_u64(&c)};
	u.used = (int64_t)cursor_u64(&c);
	return u;
}

struct usage usage_add(const struct usage *u, const struct event_record *hit)
{
	return (struct usage){.hits = u->hits + 1, .used = u->used > hit->time ? u->used : hit->time};
}

void record_encode_counters(struct buf *b, const struct counters *c)
{
	for (int i = 0; i < COUNTER_COUNT; i++)
		buf_u64(b, (uint64_t)c->v[i]);
}

struct counters record_decode_counters(struct slice value)
{
	struct counters out = {{0}};
	struct cursor c = cursor_of(value);
	for (int i = 0; i < COUNTER_COUNT && c.at < c.end; i++)
		out.v[i] = (int64_t)cursor_u64(&c);
	return out;
}

struct slice record_stamp(char text[RECORD_STAMP])
{
	int n = snprintf(text, RECORD_STAMP, "%s%d", MAGIC, RECORD_SCHEMA);
	return (struct slice){(const uint8_t *)text, (size_t)n};
}

int record_check_stamp(struct slice value, const char *path, dpc_error *err)
{
	char stamp[RECORD_STAMP] = "";
	if (value.size && value.size < sizeof stamp)
		memcpy(stamp, value.data, value.size);
	int version = strncmp(stamp, MAGIC, sizeof MAGIC - 1) == 0 ? atoi(stamp + sizeof MAGIC - 1) : 0;
	if (version < RECORD_SCHEMA)
		return dpc__fail(err, DPC_E_CORRUPT, "%s is damaged, empty or not dpcache's; run: dpcache doctor --fix",
		                 path);
	if (version > RECORD_SCHEMA)
		return dpc__fail(err, DPC_E_VERSION,
		                 "%s was made by a later dpcache (version %d); upgrade, or set DPCACHE_DIR", path,
		                 version);
	return DPC_OK;
}
