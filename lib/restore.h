/* On a hit: the files that the run wrote are put back where they are not as they
 * were then. */
#ifndef DPC_RESTORE_H
#define DPC_RESTORE_H

#include "capsule.h"
#include "digests.h"

/* Put back the outputs of a capsule with CAPSULE_FILES. What is there with that
 * content and mode is not touched. All else is written beside its place first and
 * checked; then each takes its place by a rename. DPC_OK when all are there; else why
 * not, and what is at the outputs' names is either what was there or what ought to
 * be: then the command has to run.
 *
 * May be done by many at once. One that is killed leaves files whose names begin with
 * ".dpcache-"; who next puts something into that directory takes them away. */
int restore_outputs(const struct capsule *c, const struct frames *f, struct digests *d, dpc_error *err);

#endif
