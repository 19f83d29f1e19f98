#include "squeeze.h"

#include <zstd.h>

int squeeze(struct buf *out, struct slice in, int level)
{
	size_t worth = in.size - in.size / 8;
	uint8_t *to = buf_reserve(out, worth);
	if (!to)
		return DPC_MISS;
	/* What does not fit is not worth it. */
	size_t n = ZSTD_compress(to, worth, in.data, in.size, level);
	if (ZSTD_isError(n))
		return DPC_MISS;
	out->size += n;
	return DPC_OK;
}

int unsqueeze(struct buf *out, struct slice in, uint64_t size, dpc_error *err)
{
	/* Bytes that say how large they are must say the same. */
	if (ZSTD_getFrameContentSize(in.data, in.size) != size)
		return dpc__fail(err, DPC_E_CORRUPT, "a compressed value is damaged");
	uint8_t *to = buf_reserve(out, size ? (size_t)size : 1);
	if (!to)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	size_t n = ZSTD_decompress(to, (size_t)size, in.data, in.size);
	if (ZSTD_isError(n) || n != size)
		return dpc__fail(err, DPC_E_CORRUPT, "a compressed value is damaged");
	out->size += n;
	return DPC_OK;
}
