/* Walks through trees. */
#include "walk_calls.h"

typedef int (*visitor)(const char *path, const struct stat *st, int type);
typedef int (*deep_visitor)(const char *path, const struct stat *st, int type, struct FTW *ftw);

FTW(ftw, stat, visitor)
NFTW(nftw, stat, deep_visitor)
