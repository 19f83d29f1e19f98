/* What the log says already, whichever process of the run has written it (wire.h): so
 * that many short programs do not each say the same, nor ask the kernel for it. */
#ifndef DPC_SHIM_TOLD_H
#define DPC_SHIM_TOLD_H

#include "log.h"
#include "mix.h"

/* In any process of the run, as far as is remembered. Only where there is a log. */
static inline bool told_before(uint64_t hash)
{
	return !atomic_load_explicit(&log_head->links, memory_order_relaxed) &&
	       atomic_load_explicit(&log_head->told[hash % WIRE_TOLD], memory_order_acquire) == hash;
}

/* To be said once it stands in the log: who was killed on the way there has told nothing. */
static inline void told_note(uint64_t hash)
{
	atomic_store_explicit(&log_head->told[hash % WIRE_TOLD], hash, memory_order_release);
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
