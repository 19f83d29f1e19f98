/* What keeps a server that does not answer from being asked at every call.
 *
 *   home/down, down.1 …   one for each of the store's servers, the first without a number:
 *               u64 XXH3 of what follows, u64 failures in a row, u64 wall clock, ns,
 *               before which the server is not to be asked, and why, in words
 *
 * The first failure costs a second's rest, each further one twice as long, up to
 * half a minute. Lost or damaged, it is asked. Writers need no lock, the last one
 * wins. */
#ifndef DPC_BREAKER_H
#define DPC_BREAKER_H

#include "home.h"

/* `server` counts from 0. DPC_OK, or DPC_E_IO with the reason while it is to be left alone. */
int breaker_check(const struct home *h, unsigned server, dpc_error *err);

/* It failed now, as `why` says; it answered. */
void breaker_note(const struct home *h, unsigned server, const dpc_error *why);
void breaker_clear(const struct home *h, unsigned server);

#endif
