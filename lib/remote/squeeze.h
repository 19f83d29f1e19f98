/* Compression by zstd, of bytes whose true size is told elsewhere. */
#ifndef DPC_SQUEEZE_H
#define DPC_SQUEEZE_H

#include "buf.h"
#include "err.h"

/* Appended. DPC_MISS, with nothing appended, where it saves less than an eighth, or cannot
 * be done. */
int squeeze(struct buf *out, struct slice in, int level);

/* Appended; exactly `size` bytes, or DPC_E_CORRUPT. No more memory than that is taken. */
int unsqueeze(struct buf *out, struct slice in, uint64_t size, dpc_error *err);

#endif
