/* The names by which the C library seeks the files of a locale: of
 * language_COUNTRY.set@modifier each part but the first may be left out, and the character
 * set is also tried in small letters without the rest. */
#ifndef DPC_SHIM_VARIANTS_H
#define DPC_SHIM_VARIANTS_H

#include <stdbool.h>
#include <stddef.h>

enum { VARIANT_MAX = 256 };

struct variants {
	const char *name;
	size_t language, country, set, modifier; /* where each part ends; no longer than VARIANT_MAX / 2 */
	char plain_set[VARIANT_MAX / 2];
	unsigned next;
	bool whole; /* the one that was told last has all parts */
};

/* False: it is too long to be told. */
bool variants_begin(struct variants *v, const char *name, size_t size);

/* The next one, those with all parts first. False: there are no more. */
bool variants_next(struct variants *v, char variant[VARIANT_MAX]);

#endif
