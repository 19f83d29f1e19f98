#include "watcher/mount.h"

#include <fcntl.h>
/* musl has no statx of its own; and this header is at odds with sys/stat.h. */
#include <linux/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

bool mount_find(uint64_t *mount, const char *path)
{
	struct statx x;
	if (syscall(SYS_statx, AT_FDCWD, path, 0, STATX_MNT_ID, &x) < 0)
		return false;
	*mount = x.stx_mnt_id;
	return x.stx_mask & STATX_MNT_ID;
}
