/* What is well-formed text. */
#ifndef DPC_UTF8_H
#define DPC_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length of the well-formed UTF-8 sequence (RFC 3629) at p, of which `left`
 * bytes are there; 0 when it is none. */
size_t utf8_length(const uint8_t *p, size_t left);

#endif
