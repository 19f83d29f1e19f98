#include "manifest.h"

#include <string.h>

static void put_set(struct buf *out, const struct observations *facts)
{
	buf_u32(out, (uint32_t)facts->count);
	for (size_t i = 0; i < facts->count; i++) {
		const char *path = observation_path(facts, i);
		buf_u8(out, (uint8_t)facts->v[i].kind);
		buf_field(out, path, strlen(path) + 1);
	}
}

static void skip_set(struct cursor *c)
{
	uint32_t n = cursor_u32(c);
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		cursor_u8(c);
		cursor_field(c);
	}
}

void manifest_add(struct buf *out, struct slice old, const struct observations *facts)
{
	struct cursor c = {old.data, old.data + old.size, false};
	size_t start = out->size;
	put_set(out, facts);
	size_t size = out->size - start;
	for (int kept = 1; kept < MANIFEST_SETS && c.at != c.end && !out->failed;) {
		const uint8_t *from = c.at;
		skip_set(&c);
		struct slice set = {from, (size_t)(c.at - from)};
		if (c.bad || out->size + set.size > MANIFEST_BYTES)
			return;
		if (slice_equal(set, (struct slice){out->data + start, size}))
			continue;
		buf_put(out, set.data, set.size);
		kept++;
	}
}

int manifest_next(struct observations *facts, struct cursor *sets, const struct looker *l)
{
	int rc = DPC_OK;
	observations_release(facts);
	if (sets->at == sets->end)
		return DPC_MISS;
	uint32_t n = cursor_u32(sets);
	for (uint32_t i = 0; i < n && !sets->bad; i++) {
		enum observation_kind kind = (enum observation_kind)cursor_u8(sets);
		struct slice path = cursor_field(sets);
		if (!path.size || path.data[path.size - 1])
			sets->bad = true;
		/* To the end of the set in any case: behind it is the next. */
		else if (rc == DPC_OK)
			rc = fact_add(facts, l, kind, (const char *)path.data, NULL);
	}
	if (sets->bad)
		return DPC_MISS;
	return rc == DPC_OK ? DPC_OK : DPC_E_NOTFOUND;
}
