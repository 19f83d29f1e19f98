/* Durations and sizes as people read them. */
#ifndef DPC_TEXT_H
#define DPC_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { TEXT_SHORT = 24 };

/* "850ms", "12s", "3m20s", "2h5m", "3d4h"; "forever"; "-" for negative. */
const char *text_duration(char out[TEXT_SHORT], int64_t ns);

/* "0", "512", "1.5k", "20M", "3.2G". */
const char *text_size(char out[TEXT_SHORT], uint64_t bytes);

/* A label in one line of at most `size` - 1 bytes: control characters, C1's
 * among them, and bytes that are no UTF-8 become '?'. */
const char *text_line(char *out, size_t size, const void *data, size_t data_size);

#endif
