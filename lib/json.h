/* JSON written piece by piece into a buffer. */
#ifndef DPC_JSON_H
#define DPC_JSON_H

#include "buf.h"

/* A string in quotes; bytes that are not UTF-8 become U+FFFD. */
void json_string(struct buf *b, const void *data, size_t size);

/* `,"name":` or, behind an opening brace or bracket, `"name":`. */
void json_name(struct buf *b, const char *name);

/* name and value */
void json_text(struct buf *b, const char *name, const char *value);
void json_bytes(struct buf *b, const char *name, struct slice value);
void json_int(struct buf *b, const char *name, int64_t value);
void json_bool(struct buf *b, const char *name, bool value);
/* ns as seconds with a fraction; null for DPC_FOREVER */
void json_seconds(struct buf *b, const char *name, int64_t ns);

#endif
