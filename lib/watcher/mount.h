/* Which mount a directory is on. */
#ifndef DPC_WATCHER_MOUNT_H
#define DPC_WATCHER_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

/* Its number, as in /proc/self/mountinfo. False: the kernel does not say. */
bool mount_find(uint64_t *mount, const char *path);

#endif
