/* Opening files. */
#include "open_calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

OPEN(open)
OPENAT(openat)
CREAT(creat)
FOPEN(fopen)
FREOPEN(freopen)
MAKE_TEMPORARY(mkstemp, (char *template), (template))
MAKE_TEMPORARY(mkostemp, (char *template, int flags), (template, flags))
MAKE_TEMPORARY(mkstemps, (char *template, int suffix), (template, suffix))
MAKE_TEMPORARY(mkostemps, (char *template, int suffix, int flags), (template, suffix, flags))
