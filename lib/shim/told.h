/* What the log says already, whichever process of the run has written it (wire.h): so
 * that many short programs do not each say the same, nor ask the kernel for it. */
#ifndef DPC_SHIM_TOLD_H
#define DPC_SHIM_TOLD_H

#include "log.h"
#include "mix.h"

/* A hash has several places, in one cache line: the one it is in; else one that is free;
 * else any. */
static inline _Atomic uint64_t *told_slot(uint64_t hash)
{
	enum { WAYS = 4 };
	_Atomic uint64_t *set = &log_head->told[hash & (WIRE_TOLD - WAYS)], *spare = NULL;
	for (int i = 0; i < WAYS; i++) {
		uint64_t told = atomic_load_explicit(&set[i], memory_order_acquire);
		if (told == hash)
			return &set[i];
		if (!told && !spare)
			spare = &set[i];
	}
	return spare ? spare : &set[hash & (WAYS - 1)];
}

/* In any process of the run, as far as is remembered. Only where there is a log. */
static inline bool told_before(uint64_t hash)
{
	return !atomic_load_explicit(&log_head->links, memory_order_relaxed) &&
	       atomic_load_explicit(told_slot(hash), memory_order_acquire) == hash;
}

/* To be said once it stands in the log: who was killed on the way there has told nothing. */
static inline void told_note(uint64_t hash)
{
	atomic_store_explicit(told_slot(hash), hash, memory_order_release);
}

/* Of all that follows from these words, up to a NULL. */
static inline uint64_t told_hash(const char *const *words)
{
	uint64_t hash = UINT64_C(0x9e6c63d0876a9a47);
	for (; *words; words++)
		hash = mix_bytes(hash, *words, strlen(*words));
	return hash;
}

#endif
