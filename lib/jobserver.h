/* make's job tokens. A process that make started counts as one job while it
 * lives; one that only waits for another's run gives its token back meanwhile,
 * so that make -j can use it: the run waited for may be in need of it.
 *
 *   jobserver_give → wait → jobserver_take
 *
 * MAKEFLAGS says where the tokens are. It says so also to commands that make
 * keeps from them, by descriptor numbers that are closed or something else of
 * the user's; such are left alone. Where there is no jobserver both do nothing.
 *
 * Who is killed in between leaves make with a token too many, of which it
 * complains when it ends. A recipe that starts several who wait gives back
 * more than its one, and more jobs than asked for run until they take again. */
#ifndef DPC_JOBSERVER_H
#define DPC_JOBSERVER_H

#include <stdbool.h>

struct jobserver {
	int in, out; /* descriptors of make's pipe; for a named one the same */
	bool given;  /* a token that is to be taken again */
	bool ours;   /* opened by us, to be closed */
};

/* Is the descriptor one of those that MAKEFLAGS names, and really make's? */
bool jobserver_has(int fd);

/* Give one token back; never waits. *j need not be initialised. */
void jobserver_give(struct jobserver *j);

/* Take one again, if jobserver_give gave one; waits for it. */
void jobserver_take(struct jobserver *j);

#endif
