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

/* A file has several places: with one, two programs that a script runs in turns would push
 * each other out. The one it is in; else one that is free; else any. */
static _Atomic uint64_t *slot_of(uint64_t hash)
{
	enum { WAYS = 4 };
	_Atomic uint64_t *set = &log_head->targets[hash >> 8 & (WIRE_TARGETS - WAYS)], *spare = NULL;
	for (int i = 0; i < WAYS; i++) {
		uint64_t known = atomic_load_explicit(&set[i], memory_order_relaxed);
		if ((known | KIND_BITS) == (hash | KIND_BITS))
			return &set[i];
		if (!known && !spare)
			spare = &set[i];
	}
	return spare ? spare : &set[hash >> 4 & (WAYS - 1)];
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
