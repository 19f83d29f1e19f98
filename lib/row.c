#include "row.h"

#include <string.h>

void row_put(struct buf *b, const struct entry_info *info)
{
	buf_put(b, info->question.bytes, sizeof info->question.bytes);
	buf_u64(b, (uint64_t)info->created);
	buf_u64(b, (uint64_t)info->ttl);
	buf_u64(b, (uint64_t)info->grace);
	buf_u64(b, info->generation);
	buf_u64(b, (uint64_t)info->cost);
	buf_u64(b, info->output_size);
	buf_u64(b, info->stored_size);
	buf_u32(b, (uint32_t)info->status);
	buf_u32(b, info->flags);
	buf_field(b, info->label.data, info->label.size);
	/* With its NUL; empty: none. */
	buf_field(b, info->file, info->file ? strlen(info->file) + 1 : 0);
}

int row_get(struct entry_info *info, struct cursor *c, const struct digest *key)
{
	struct slice question = cursor_take(c, sizeof info->question.bytes);
	*info = (struct entry_info){.key = *key};
	info->created = (int64_t)cursor_u64(c);
	info->ttl = (int64_t)cursor_u64(c);
	info->grace = (int64_t)cursor_u64(c);
	info->generation = cursor_u64(c);
	info->cost = (int64_t)cursor_u64(c);
	info->output_size = cursor_u64(c);
	info->stored_size = cursor_u64(c);
	info->status = (int32_t)cursor_u32(c);
	info->flags = cursor_u32(c);
	info->label = cursor_field(c);
	struct slice file = cursor_field(c);
	if (c->bad || (file.size && file.data[file.size - 1]))
		return DPC_E_CORRUPT;
	memcpy(info->question.bytes, question.data, question.size);
	info->file = file.size ? (const char *)file.data : NULL;
	return DPC_OK;
}
