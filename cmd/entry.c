#include "entry.h"

#include "json.h"

int64_t entry_age(const struct entry_info *e)
{
	int64_t age = clock_wall_ns() - e->created;
	return age > 0 ? age : 0;
}

int64_t entry_left(const struct entry_info *e)
{
	return e->ttl == DPC_FOREVER ? DPC_FOREVER : e->ttl - entry_age(e);
}

void entry_json_open(struct buf *b, const struct entry_info *e)
{
	char hex[DIGEST_HEX];
	digest_hex(hex, &e->key);
	buf_u8(b, '{');
	json_text(b, "key", hex);
	json_bytes(b, "command", e->label);
	json_seconds(b, "created", e->created);
	json_seconds(b, "age", entry_age(e));
	json_seconds(b, "left", entry_left(e));
	json_int(b, "size", (int64_t)e->output_size);
	json_int(b, "stored", (int64_t)e->stored_size);
	json_int(b, "hits", (int64_t)e->hits);
	json_seconds(b, "cost", e->cost);
	json_int(b, "exit", capsule_exit_status(e->status));
}

void entry_json(struct buf *b, const struct entry_info *e)
{
	entry_json_open(b, e);
	buf_u8(b, '}');
}
