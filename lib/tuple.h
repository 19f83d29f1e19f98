/* The stat tuple: the identity and times under which a file was last looked
 * into. While it is unchanged and not racy, so is the content. */
#ifndef DPC_TUPLE_H
#define DPC_TUPLE_H

#include "buf.h"

#include <sys/stat.h>

struct tuple {
	uint64_t dev, ino, size;
	int64_t mtime, ctime; /* ns */
	int64_t seen;         /* wall clock at the look, ns; 0: never to be trusted */
};

enum { TUPLE_SIZE = 48 };

void tuple_of(struct tuple *t, const struct stat *st, int64_t seen);

/* Same file, same times; says nothing about `seen`. */
bool tuple_same(const struct tuple *a, const struct tuple *b);

/* The file had changed so shortly before the look that a later change could
 * carry the same time: file systems keep time in ticks of up to two seconds.
 * Only ctime counts: nobody can set it. */
bool tuple_racy(const struct tuple *t);

void tuple_put(struct buf *b, const struct tuple *t);
void tuple_get(struct cursor *c, struct tuple *t);

#endif
