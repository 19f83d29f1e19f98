#include "places.h"

#include "err.h"

#include <stdlib.h>
#include <string.h>

int places_add(struct buf *places, const struct entry_info *info, int64_t used, dpc_error *err)
{
	struct place p = {.key = info->key,
	                  .last = info->created > used ? info->created : used,
	                  .manifest = info->flags & CAPSULE_MANIFEST};
	buf_put(places, &p, sizeof p);
	return places->failed ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : DPC_OK;
}

static int compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	if (x->manifest != y->manifest)
		return x->manifest ? 1 : -1;
	if (x->last != y->last)
		return x->last < y->last ? -1 : 1;
	return memcmp(x->key.bytes, y->key.bytes, sizeof x->key.bytes);
}

const struct place *places_sort(struct buf *places, size_t *count)
{
	struct place *p = (struct place *)places->data;
	*count = places->size / sizeof *p;
	if (*count)
		qsort(p, *count, sizeof *p, compare);
	return p;
}
