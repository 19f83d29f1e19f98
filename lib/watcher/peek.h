/* What stands in a caller's memory. */
#ifndef DPC_WATCHER_PEEK_H
#define DPC_WATCHER_PEEK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Copy up to `size` bytes at `address` of thread `tid`, within one page. How many, or
 * -1 with errno. */
ssize_t peek(pid_t tid, void *to, uint64_t address, size_t size);

/* A caller executes another program: its memory will be another. */
void peek_forget(void);

#endif
