/* Environment variables as inputs: their values as keyed digests, and which of
 * them count when a program has its whole environment at hand. */
#ifndef DPC_ENVIRONMENT_H
#define DPC_ENVIRONMENT_H

#include "err.h"
#include "hash.h"

/* Keyed digest of a variable's name and value, under 16 bytes of secret; name and
 * value together, so that equal values of two variables do not show as equal. */
int environment_digest(struct digest *out, const char *name, size_t name_size, const char *value,
                       const uint8_t *secret);

/* The same of the variable as it is now; all zeros when it is unset. */
int environment_observe(struct digest *out, const char *name, const uint8_t *secret);

/* Is the variable set anew for each run, terminal or build, by make, CI systems,
 * terminals and dpcache itself? Then it counts only when it is asked for by name. */
bool environment_is_noise(const char *entry, size_t name_size);

/* Digest of the sorted names of all variables that count. */
int environment_names(struct digest *out);

/* Digest of all variables that count, names and values, under 16 bytes of secret. */
int environment_all(struct digest *out, const uint8_t *secret);

/* Visit the name of each that counts, behind which stand "=" and the value, until the
 * visitor returns anything but DPC_OK. */
typedef int environment_visit_fn(void *context, const char *name, size_t size);
int environment_each(environment_visit_fn *visit, void *context);

/* The environment with these entries, NULL behind the last, in place of those of the
 * same name. The list is the caller's to free, what it points to is not. NULL when
 * out of memory. */
char **environment_with(char *const *entries);

#endif
