/* SipHash-2-4 with a 128-bit result (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF", 2012, and its reference vectors): the keyed digest for
 * values of environment variables. XXH3 would not do: an unkeyed or weakly
 * keyed digest of a short secret can be searched for. */
#ifndef DPC_SIPHASH_H
#define DPC_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

void siphash128(uint8_t out[16], const void *data, size_t size, const uint8_t key[16]);

#endif
