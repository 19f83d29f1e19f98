/* An entry's particulars for people and for programs. */
#ifndef DPC_ENTRY_H
#define DPC_ENTRY_H

#include "store.h"

/* ns; by the wall clock, and never negative though that was set back. */
int64_t entry_age(const struct entry_info *e);

/* What is left of the writer's ttl; DPC_FOREVER; negative when expired. */
int64_t entry_left(const struct entry_info *e);

/* One JSON object, left open: without its closing brace, for more members. */
void entry_json_open(struct buf *b, const struct entry_info *e);

/* One JSON object. */
void entry_json(struct buf *b, const struct entry_info *e);

#endif
