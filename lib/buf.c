#include "buf.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

static bool grow(struct buf *b, size_t more)
{
	size_t want = b->capacity < 128 ? 256 : b->capacity > SIZE_MAX / 2 ? SIZE_MAX : b->capacity * 2;
	if (more > SIZE_MAX - b->size) {
		b->failed = true;
		return false;
	}
	/* Much at a time is mostly all there will be. */
	if (want < b->size + more)
		want = b->size + more;
	uint8_t *grown = realloc(b->data, want);
	if (!grown) {
		b->failed = true;
		return false;
	}
	b->data = grown;
	b->capacity = want;
	return true;
}

uint8_t *buf_reserve(struct buf *b, size_t more)
{
	if (b->failed || ((!b->data || b->capacity - b->size < more) && !grow(b, more)))
		return NULL;
	return &b->data[b->size];
}

void buf_put(struct buf *b, const void *data, size_t size)
{
	uint8_t *to = buf_reserve(b, size);
	if (!to || !size)
		return;
	memcpy(to, data, size);
	b->size += size;
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, sizeof v);
}

void buf_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_put(b, &v, sizeof v);
}

void buf_u64(struct buf *b, uint64_t v)
{
	v = htole64(v);
	buf_put(b, &v, sizeof v);
}

void buf_field(struct buf *b, const void *data, size_t size)
{
	if (size > UINT32_MAX) {
		b->failed = true;
		return;
	}
	buf_u32(b, (uint32_t)size);
	buf_put(b, data, size);
}

void buf_string(struct buf *b, const char *s)
{
	buf_field(b, s, strlen(s));
}

bool slice_equal(struct slice a, struct slice b)
{
	size_t i = 0;
	if (a.size != b.size)
		return false;
	/* Not memcmp: musl's goes byte by byte, and the front compares a question
	 * of a thousand inputs at each hit. */
	for (uint64_t x, y; i + sizeof x <= a.size; i += sizeof x) {
		memcpy(&x, a.data + i, sizeof x);
		memcpy(&y, b.data + i, sizeof y);
		if (x != y)
			return false;
	}
	for (; i < a.size; i++)
		if (a.data[i] != b.data[i])
			return false;
	return true;
}

struct slice cursor_take(struct cursor *c, size_t size)
{
	if (c->bad || (size_t)(c->end - c->at) < size) {
		c->bad = true;
		return (struct slice){NULL, 0};
	}
	struct slice s = {c->at, size};
	c->at += size;
	return s;
}

uint8_t cursor_u8(struct cursor *c)
{
	struct slice s = cursor_take(c, 1);
	return s.data ? s.data[0] : 0;
}

uint32_t cursor_u32(struct cursor *c)
{
	uint32_t v = 0;
	struct slice s = cursor_take(c, sizeof v);
	if (s.data)
		memcpy(&v, s.data, sizeof v);
	return le32toh(v);
}

uint64_t cursor_u64(struct cursor *c)
{
	uint64_t v = 0;
	struct slice s = cursor_take(c, sizeof v);
	if (s.data)
		memcpy(&v, s.data, sizeof v);
	return le64toh(v);
}

struct slice cursor_field(struct cursor *c)
{
	return cursor_take(c, cursor_u32(c));
}
