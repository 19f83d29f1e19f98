/* Walks through trees: glibc's further functions. */
#include "walk_calls.h"

#include <fts.h>

typedef int (*visitor)(const char *path, const struct stat64 *st, int type);
typedef int (*deep_visitor)(const char *path, const struct stat64 *st, int type, struct FTW *ftw);

FTW(ftw64, stat64, visitor)
NFTW(nftw64, stat64, deep_visitor)

static void log_entry(const char *path, int info, int error)
{
	int failed = info == FTS_NS || info == FTS_ERR ? error : 0;
	if (info == FTS_DP)
		return;
	log_outcome(WIRE_STAT, info == FTS_SL || info == FTS_SLNONE ? WIRE_LOOK_NOFOLLOW : 0, AT_FDCWD, path,
	            failed);
	if (info == FTS_D || info == FTS_DNR)
		log_outcome(WIRE_LIST, 0, AT_FDCWD, path, info == FTS_DNR ? error : 0);
}

/* The walk changes the working directory, unless it is told not to. fts_accpath is
 * the name from where it is now. */
#define FTS(suffix, stream, entry)                                                \
	SHIM stream *fts##suffix##_open(char *const *paths, int flags,                \
	                                int (*order)(const entry **, const entry **)) \
	{                                                                             \
		place_moved();                                                            \
		return REAL(fts##suffix##_open)(paths, flags, order);                     \
	}                                                                             \
                                                                                  \
	SHIM entry *fts##suffix##_read(stream *walk)                                  \
	{                                                                             \
		entry *e = REAL(fts##suffix##_read)(walk);                                \
		if (e)                                                                    \
			log_entry(e->fts_accpath, e->fts_info, e->fts_errno);                 \
		return e;                                                                 \
	}                                                                             \
                                                                                  \
	SHIM entry *fts##suffix##_children(stream *walk, int options)                 \
	{                                                                             \
		entry *first = REAL(fts##suffix##_children)(walk, options);               \
		for (entry *e = first; e; e = e->fts_link)                                \
			log_entry(e->fts_path, e->fts_info, e->fts_errno);                    \
		return first;                                                             \
	}

FTS(, FTS, FTSENT)
FTS(64, FTS64, FTSENT64)
