/* What is about to be executed: may the shim go with it? */
#ifndef DPC_SHIM_TARGET_H
#define DPC_SHIM_TARGET_H

#include "wire.h"

#include <stdbool.h>

enum target_kind {
	TARGET_GLIBC,  /* the shim goes with it */
	TARGET_MUSL,   /* the one for musl does */
	TARGET_ALONE,  /* it would be lost on it, or harm it */
	TARGET_DOUBTFUL, /* it may fail: it is damaged, or for another processor */
	TARGET_SECURE, /* the kernel changes its rights: nobody may look over its shoulder */
	TARGET_OTHER,  /* neither a program nor "#!": it will fail, and then be a script to some */
	TARGET_ABSENT  /* it cannot be read; target.error */
};

struct target {
	enum target_kind kind;
	int error;
	bool script; /* the kind is its interpreter's */
};

/* Look at the file, follow "#!", log scripts as read, and interpreters as sought. Safe in a
 * vfork child. */
void target_look(struct target *t, int dir, const char *path);

#endif
