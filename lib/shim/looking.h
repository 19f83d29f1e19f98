/* The records of looks whose outcome is not plain. */
#ifndef DPC_SHIM_LOOKING_H
#define DPC_SHIM_LOOKING_H

#include <stddef.h>
#include <sys/types.h>

/* readlink with room for `size` bytes gave `n`. */
void looking_log_link(int dir, const char *path, size_t size, ssize_t n);

/* Extended attributes of a path: `n`, or -1 and errno. */
void looking_log_attribute(unsigned detail, const char *path, ssize_t n);

/* The same of what is open. */
void looking_log_open_attribute(int fd, ssize_t n);

/* May the directory be entered? 0, or the error. */
int looking_access(const char *path);

#endif
