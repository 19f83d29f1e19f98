/* The verdict on what one member got. */
#ifndef FAULT_JUDGE_H
#define FAULT_JUDGE_H

#include "party.h"

/* The status of a caller that gave up waiting; no worker's. */
enum { JUDGE_GAVE_UP = 76 };

/* Of one who was shown the beginning of a run that nobody ends: dpcache's own. */
enum { JUDGE_CONFLICT = 125 };

/* `who` ended with this wait status: complain about what is wrong, and close its files. */
void judge(size_t who, int status);

/* What is no violation but worth a look, to stdout: the lines that dpcache itself wrote
 * on callers' stderr, each text once with its count. */
void judge_print_remarks(void);

#endif
