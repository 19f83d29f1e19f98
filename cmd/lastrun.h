/* What the log that DPCACHE_LOG names (report.h) has about the last run of a key. */
#ifndef DPC_LASTRUN_H
#define DPC_LASTRUN_H

#include "hash.h"

enum { LASTRUN_TEXT = 640 };

/* Why its result was not remembered, as JSON has it; false when it was, or where the
 * log's end does not tell. `path` NULL: there is no log. */
bool lastrun_why_not_remembered(char out[LASTRUN_TEXT], const char *path, const struct digest *key);

#endif
