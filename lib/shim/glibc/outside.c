/* What changes the world that names are looked up in: glibc's further functions. */
#include "outside.h"

#include "outfit.h"

#include <sys/mount.h>

int pivot_root(const char *root, const char *old);

OUTSIDE(fsopen, "mounted a file system", (const char *type, unsigned flags), (type, flags))
OUTSIDE(open_tree, "mounted a file system", (int dir, const char *path, unsigned flags), (dir, path, flags))
OUTSIDE(move_mount, "mounted a file system",
        (int from_dir, const char *from, int to_dir, const char *to, unsigned flags),
        (from_dir, from, to_dir, to, flags))

SHIM int pivot_root(const char *root, const char *old)
{
	int rc = REAL(pivot_root)(root, old);
	if (rc == 0) {
		log_word(WIRE_UNCACHEABLE, "changed its root directory");
		outfit_none();
	}
	return rc;
}
