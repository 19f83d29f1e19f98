/* When the source of a result that is kept for want of a newer one last failed:
 * so that a failing command is not asked at every call.
 *
 *   shelf/xx/<key>.err   u64 XXH3 of what follows, u64 failures in a row,
 *                        moment of the last
 *
 * Kept on the shelf, for it may be lost like all there: the next caller asks
 * once more. Any thread; writers need no lock, the last one wins. */
#ifndef DPC_BACKOFF_H
#define DPC_BACKOFF_H

#include "home.h"
#include "policy.h"
#include "shelf.h"

/* ns for which the source is to be left alone: for ttl_fail since it failed, or,
 * without one, for a second that doubles with each failure, up to a minute. */
int64_t backoff_left(const struct home *h, const struct digest *key, const struct policy *p);

/* Is this, a path below the home, the name of such a file; and is what is in it
 * whole? */
bool backoff_is_name(const char *path);
bool backoff_is_intact(const struct home *h, const char *path);

/* It failed now. */
void backoff_note(const struct home *h, const struct digest *key);

/* It answered. */
void backoff_clear(const struct home *h, const struct digest *key);

#endif
