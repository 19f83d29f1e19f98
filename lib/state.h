/* The cache's one small shared fact sheet, which every hit reads: the secret
 * that keys digests of variables, the invalidation stamps, and which engine's
 * entries lie beside it.
 *
 * Stamps are generations, not times: a run notes the generation it began in,
 * and counts only while that is not below the floor. Invalidating everything
 * moves the floor, which costs the same for ten entries as for a million,
 * voids the runs still at work, and cannot be undone by setting the clock.
 * A new sheet starts at the wall clock's nanoseconds, so that one that was
 * lost never revives what an earlier floor had buried.
 *
 * In front of a network store it is a copy: generations and floor are the server's,
 * by its clock, and the secret is what all who share the store have (store_join). */
#ifndef DPC_STATE_H
#define DPC_STATE_H

#include "engine.h"
#include "err.h"

#include <stdatomic.h>
#include <time.h>

struct state {
	uint64_t generation; /* noted by every run at its start */
	uint64_t floor;      /* entries of a lower generation are invalid */
	enum engine engine;
	uint64_t place;      /* of a network store: which (net.h); else 0 */
	uint8_t secret[16];  /* key of siphash128 for environment values */
};

/* Below the home. */
#define STATE_NAME "state"
#define STATE_TURN "turn"

/* DPC_OK, DPC_E_NOTFOUND when there is none, DPC_E_CORRUPT, DPC_E_IO. */
int state_read(struct state *s, int home_fd, dpc_error *err);

/* A sheet that was read, so that it can be told whether it still holds, at next to no cost.
 *
 * A sheet is only ever replaced by another, under the write lock: so it holds as long as its
 * file has its name and its times. Beside it is a number in a file of its own, home/turn, that
 * those who ask again and again have mapped. It is odd while a sheet is being replaced, and
 * another even one afterwards: as long as it stays the same even one nothing needs to be asked
 * of the kernel. Whoever died in between leaves it odd, and then the file is asked each time.
 * It is also asked from time to time, for people do delete directories. */
struct state_view {
	int fd;         /* of that very file; -1: none was read */
	struct timespec changed;
	_Atomic uint64_t *turn; /* NULL: there is none to be had */
	uint64_t seen;  /* of it */
	int64_t asked;  /* when, by a coarse clock; ns */
};

#define STATE_VIEW_NONE ((struct state_view){.fd = -1})

/* As state_read; from now on `v` is about what was read. */
int state_view_read(struct state *s, struct state_view *v, int home_fd, dpc_error *err);
void state_view_release(struct state_view *v);

/* Is it the one in force? */
bool state_view_holds(struct state_view *v);

/* Fresh secret, floor at the present; or, where `place` is not 0, below all that a
 * server may say. */
int state_init(struct state *s, enum engine engine, uint64_t place, dpc_error *err);

/* Replace atomically. The caller holds the write lock. */
int state_write(const struct state *s, int home_fd, dpc_error *err);

/* Move the floor above everything that has begun so far. */
void state_raise_floor(struct state *s);

#endif
