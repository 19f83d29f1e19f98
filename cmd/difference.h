/* What two askings differ in (differ.h), for people and for programs. */
#ifndef DPC_DIFFERENCE_H
#define DPC_DIFFERENCE_H

#include "differ.h"

enum { DIFFERENCE_TEXT = 5120 };

/* In words that tell a cause, in one line: "src/a.c changed". */
const char *difference_in_words(char out[DIFFERENCE_TEXT], const struct difference *d);

/* One JSON object. */
void difference_json(struct buf *b, const struct difference *d);

#endif
