/* What a result depends on besides its question, as it lies in its capsule: what was
 * declared, and what its run was seen to read; for people and for programs. */
#ifndef DPC_INPUTS_H
#define DPC_INPUTS_H

#include "capsule.h"

/* How many, in a list as observations_put wrote it; an empty one is none. */
size_t inputs_count(struct slice list);

/* One line each: `label`, in its column, path and kind. */
void inputs_text(struct buf *b, const char *label, struct slice list);

/* "inputs": all of them, traced ones marked; and "notes": what makes the result
 * doubtful, in words. */
void inputs_json(struct buf *b, const struct capsule *c, const struct capsule_meta *m);

/* One line for each note. */
void inputs_notes_text(struct buf *b, const struct capsule *c);

#endif
