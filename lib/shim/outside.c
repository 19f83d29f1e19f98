/* What changes the world that names are looked up in: beyond what a log could tell. */
#include "outside.h"

#include "outfit.h"
#include "place.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

SHIM int chroot(const char *path)
{
	int rc = REAL(chroot)(path);
	if (rc == 0) {
		log_word(WIRE_UNCACHEABLE, "changed its root directory");
		place_moved();
		outfit_none();
	}
	return rc;
}

OUTSIDE(unshare, "left its namespace", (int flags), (flags))
OUTSIDE(setns, "left its namespace", (int fd, int type), (fd, type))
OUTSIDE(mount, "mounted a file system",
        (const char *source, const char *target, const char *type, unsigned long flags, const void *data),
        (source, target, type, flags, data))
OUTSIDE(umount, "unmounted a file system", (const char *target), (target))
OUTSIDE(umount2, "unmounted a file system", (const char *target, int flags), (target, flags))
