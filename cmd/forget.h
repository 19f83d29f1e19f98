/* Forgetting by key: what rm and invalidate have in common. */
#ifndef DPC_FORGET_H
#define DPC_FORGET_H

#include "place.h"

/* Forget each word's entry; how many there were is added to *forgotten. */
int forget_keys(int *forgotten, const struct place *p, char **words, const char *region, dpc_error *err);

#endif
