/* The records of what has two names: of moved and of linked files. */
#ifndef DPC_SHIM_MOVING_H
#define DPC_SHIM_MOVING_H

/* From one name to another, each relative to a directory. `rc` below 0: for errno. */
void moving_log_rename(int from_dir, const char *from, int to_dir, const char *to, int rc);
void moving_log_link(int from_dir, const char *from, int to_dir, const char *to, int rc);

#endif
