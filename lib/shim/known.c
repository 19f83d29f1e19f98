#include "known.h"

#include "log.h"
#include "mix.h"

/* A slot holds the file's hash but for the lowest bits: those are the kind, and one
 * more. */
enum { KIND_BITS = 7 };

static uint64_t hash_of(const struct stat *st)
{
	uint64_t hash = mix(mix(UINT64_C(0x2545f4914f6cdd1d), st->st_dev), st->st_ino);
	return mix(mix(hash, (uint64_t)st->st_ctim.tv_sec), (uint64_t)st->st_ctim.tv_nsec);
}

static _Atomic uint64_t *slot_of(uint64_t hash)
{
	return &log_head->targets[hash >> 8 & (WIRE_TARGETS - 1)];
}

bool known_find(const struct stat *st, enum target_kind *kind)
{
	uint64_t hash = hash_of(st), known = atomic_load_explicit(slot_of(hash), memory_order_relaxed);
	*kind = (enum target_kind)((known & KIND_BITS) - 1);
	return known & KIND_BITS && (known | KIND_BITS) == (hash | KIND_BITS);
}

void known_note(const struct stat *st, enum target_kind kind)
{
	int64_t changed = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
	uint64_t hash = hash_of(st);
	if (changed < log_head->began)
		atomic_store_explicit(slot_of(hash), (hash & ~(uint64_t)KIND_BITS) | (kind + 1),
		                      memory_order_relaxed);
}
