/* What a process remembers of its own records. A short program finds it all on the
 * page that its start has touched anyway; one that goes on gets memory of its own. */
#ifndef DPC_SHIM_MEMORY_H
#define DPC_SHIM_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Has this process not written a record of this hash lately? Then it is to. */
bool memory_is_new(uint64_t hash);

/* This process's number. In a vfork child it may be the parent's. */
uint32_t memory_pid(void);

#endif
