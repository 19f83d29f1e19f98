/* Bytes being built and bytes being read: the two halves of every format
 * here. All integers are little-endian; a "field" is a u32 length and that
 * many bytes. Leaf room: knows nothing of caching. */
#ifndef DPC_BUF_H
#define DPC_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing byte string. Zero-initialise; release with buf_release. A failed
 * allocation sets `failed` and makes later appends do nothing, so that only
 * the end of a long series needs a check. */
struct buf {
	uint8_t *data;
	size_t size, capacity;
	bool failed;
};

void buf_release(struct buf *b);
/* Room for `more` bytes beyond the end, not yet counted in size; NULL when
 * out of memory. */
uint8_t *buf_reserve(struct buf *b, size_t more);
void buf_put(struct buf *b, const void *data, size_t size);
void buf_u8(struct buf *b, uint8_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_field(struct buf *b, const void *data, size_t size);
void buf_string(struct buf *b, const char *s);

/* Borrowed bytes. */
struct slice {
	const uint8_t *data;
	size_t size;
};

bool slice_equal(struct slice a, struct slice b);

/* Reads forward; anything past the end sets `bad` and yields zeros. */
struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

struct slice cursor_take(struct cursor *c, size_t size);
uint8_t cursor_u8(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
struct slice cursor_field(struct cursor *c);

#endif
