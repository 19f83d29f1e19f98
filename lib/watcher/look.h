/* What a call is going to find, looked at before it is made, as the same user. 0 or
 * the errno that the call is going to fail with; between the look and the call it
 * may become another. */
#ifndef DPC_WATCHER_LOOK_H
#define DPC_WATCHER_LOOK_H

#include "watcher/scene.h"

/* The modes of access(2), and AT_SYMLINK_NOFOLLOW or 0. */
int look_access(const struct name *n, int mode, int flags);

/* EINVAL for what is not a symbolic link. */
int look_link(const struct name *n);

/* Could a directory entry be made, or taken away, where this name stands? */
int look_parent(const struct name *n);

/* A new name, in place of none. */
int look_make(const struct name *n);

/* `directory`: by rmdir(2). */
int look_remove(const struct name *n, bool directory);

/* rename(2), with the flags of renameat2(2). */
int look_rename(const struct name *from, const struct name *to, unsigned flags);
int look_hard_link(const struct name *from, const struct name *to);

#endif
