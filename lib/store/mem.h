/* mem: the entries of a home that is only in this process. They are the home's: all stores
 * that are opened with it have the same ones, and no other process has any. Bounded; the
 * least asked for go first (memory.h). For one thread at a time. */
#ifndef DPC_MEM_H
#define DPC_MEM_H

#include "store.h"

/* Make a located mem: home one in which something can be kept. `limit`: bytes. To be
 * ended with mem_home_end. */
int mem_home_begin(struct home *h, size_t limit, dpc_error *err);
void mem_home_end(struct home *h); /* harmless for any other home */

#endif
