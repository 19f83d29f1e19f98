/* What went into a key, part by part: never a value that may be a secret. */
#ifndef DPC_PARTS_H
#define DPC_PARTS_H

#include "buf.h"

/* One part, as a line, or as an element of the JSON array that was opened. `value`
 * with data NULL: it is not shown. */
void part_put(struct buf *b, bool json, const char *name, struct slice value);

/* All parts of an encoded question (key.h). */
void parts_put(struct buf *b, bool json, struct slice question);

#endif
