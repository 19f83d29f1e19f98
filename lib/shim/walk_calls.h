/* What stands in front of ftw(3) and nftw(3). The C library walks through a tree by
 * itself, and tells the caller's function of each entry: we put ours before that.
 *
 * A walk that changes directories as it goes is not worth following: each entry is
 * then recorded as what could not be told. */
#ifndef DPC_SHIM_WALK_CALLS_H
#define DPC_SHIM_WALK_CALLS_H

#include "find.h"
#include "log.h"
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>

/* The record of an entry that a walk came to. */
static inline void walk_log(const char *path, int type, bool follows)
{
	log_outcome(WIRE_STAT, follows ? 0 : WIRE_LOOK_NOFOLLOW, AT_FDCWD, path, type == FTW_NS ? EACCES : 0);
	if (type == FTW_D || type == FTW_DP || type == FTW_DNR)
		log_outcome(WIRE_LIST, 0, AT_FDCWD, path, type == FTW_DNR ? EACCES : 0);
}

/* A walk may begin inside of another: what this thread was at comes back after it. */
#define FTW(name, stat_type, visit_type)                                           \
	static _Thread_local visit_type name##_visit;                                  \
                                                                                   \
	static int name##_step(const char *path, const struct stat_type *st, int type) \
	{                                                                              \
		walk_log(path, type, true);                                                \
		return name##_visit(path, st, type);                                       \
	}                                                                              \
                                                                                   \
	SHIM int name(const char *path, visit_type visit, int depth)                   \
	{                                                                              \
		visit_type outer = name##_visit;                                           \
		name##_visit = visit;                                                      \
		int rc = REAL(name)(path, name##_step, depth);                             \
		name##_visit = outer;                                                      \
		if (rc < 0)                                                                \
			log_path(WIRE_STAT, 0, AT_FDCWD, path, rc);                            \
		return rc;                                                                 \
	}

#define NFTW(name, stat_type, visit_type)                                                           \
	struct name##_walk {                                                                            \
		visit_type visit;                                                                           \
		int flags;                                                                                  \
	};                                                                                              \
	static _Thread_local struct name##_walk name##_now;                                             \
                                                                                                    \
	static int name##_step(const char *path, const struct stat_type *st, int type, struct FTW *ftw) \
	{                                                                                               \
		if (name##_now.flags & FTW_CHDIR && *path != '/')                                           \
			log_word(WIRE_UNCACHEABLE, "walked through a tree by relative names");                  \
		else                                                                                        \
			walk_log(path, type, !(name##_now.flags & FTW_PHYS));                                   \
		return name##_now.visit(path, st, type, ftw);                                               \
	}                                                                                               \
                                                                                                    \
	SHIM int name(const char *path, visit_type visit, int depth, int flags)                         \
	{                                                                                               \
		struct name##_walk outer = name##_now;                                                      \
		name##_now = (struct name##_walk){visit, flags};                                            \
		if (flags & FTW_CHDIR)                                                                      \
			place_moved();                                                                          \
		int rc = REAL(name)(path, name##_step, depth, flags);                                       \
		name##_now = outer;                                                                         \
		if (rc < 0)                                                                                 \
			log_path(WIRE_STAT, flags &FTW_PHYS ? WIRE_LOOK_NOFOLLOW : 0, AT_FDCWD, path, rc);      \
		return rc;                                                                                  \
	}

#endif
