/* Which process this is, for what must not be carried over a fork: a child has another
 * number than whoever it was forked from, and finding that out costs no system call. */
#ifndef DPC_PROCESS_H
#define DPC_PROCESS_H

#include <stdint.h>

/* Never 0. Any thread may call it. */
uint64_t process_number(void);

#endif
