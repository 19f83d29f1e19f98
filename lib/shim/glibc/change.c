/* Changing names and metadata: glibc's further functions. */
#include "calls.h"
#include "moving.h"

#include "hidden.h"

#include <stdio.h>
#include <unistd.h>

PATH_CALL(int, __xmknod, WIRE_MAKE, 0, (int version, const char *path, mode_t mode, dev_t *device),
          (version, path, mode, device))
AT_CALL(int, __xmknodat, WIRE_MAKE, 0, (int version, int dir, const char *path, mode_t mode, dev_t *device),
        (version, dir, path, mode, device))
PATH_CALL(int, truncate64, WIRE_CHANGE, 0, (const char *path, off64_t size), (path, size))
PATH_CALL(int, lchmod, WIRE_CHANGE, 0, (const char *path, mode_t mode), (path, mode))

SHIM int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	int rc = REAL(renameat2)(from_dir, from, to_dir, to, flags);
	moving_log_rename(from_dir, from, to_dir, to, rc);
	/* Both names are taken away, and both are new. */
	if (flags & RENAME_EXCHANGE)
		moving_log_rename(to_dir, to, from_dir, from, rc);
	return rc;
}
