/* What is known of an entry without opening its capsule, as bytes: for engines that keep
 * it in one piece. */
#ifndef DPC_ROW_H
#define DPC_ROW_H

#include "store.h"

/* Appended; the key aside, hits and use aside. */
void row_put(struct buf *b, const struct entry_info *info);

/* Read from `c`; label and file are borrowed from it. DPC_E_CORRUPT, without a word. */
int row_get(struct entry_info *info, struct cursor *c, const struct digest *key);

#endif
