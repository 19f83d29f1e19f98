#include "memory.h"

#include "raw.h"

#include <stdatomic.h>
#include <sys/mman.h>

/* FEW: what a short program writes. MANY: what a compiler looks at. */
enum { PAGE = 4096, FEW = 48, MANY = 2048 };

/* Each record as 64 bits: with fewer, two different ones would meet some day, and the
 * second be lost. Forgetful, not growing: who comes to a slot that is taken takes it
 * over. */
static _Atomic uint64_t few[FEW];
static _Atomic uint32_t written;

static struct more {
	/* The kernel wipes this page out in a forked child: to ask for the number each time
	 * would be half of a record's cost. */
	union {
		_Atomic uint32_t pid;
		char page[PAGE];
	} wiped;
	_Atomic uint64_t seen[MANY];
} * _Atomic more;

/* Where there is no memory to be had, it goes on as it began. */
static void get_more(void)
{
	/* At once: to come by the pages one by one costs twice as much. */
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
	struct more *none = NULL, *m = raw_map(sizeof *m, flags, -1);
	if (!m)
		return;
	if (raw_call(SYS_madvise, (long)m, PAGE, MADV_WIPEONFORK, 0, 0, 0) < 0 ||
	    !atomic_compare_exchange_strong(&more, &none, m))
		raw_call(SYS_munmap, (long)m, sizeof *m, 0, 0, 0, 0);
}

static bool put(_Atomic uint64_t *slot, uint64_t hash)
{
	if (atomic_load_explicit(slot, memory_order_relaxed) == hash)
		return false;
	atomic_store_explicit(slot, hash, memory_order_relaxed);
	return true;
}

bool memory_is_new(uint64_t hash)
{
	struct more *m = atomic_load_explicit(&more, memory_order_acquire);
	if (m)
		return put(&m->seen[hash % MANY], hash);
	if (!put(&few[hash % FEW], hash))
		return false;
	if (atomic_fetch_add_explicit(&written, 1, memory_order_relaxed) == FEW)
		get_more();
	return true;
}

uint32_t memory_pid(void)
{
	struct more *m = atomic_load_explicit(&more, memory_order_acquire);
	uint32_t pid = m ? atomic_load_explicit(&m->wiped.pid, memory_order_relaxed) : 0;
	if (pid)
		return pid;
	pid = (uint32_t)raw_pid();
	if (m)
		atomic_store_explicit(&m->wiped.pid, pid, memory_order_relaxed);
	return pid;
}
