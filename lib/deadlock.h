/* Runs that wait for each other in a circle: the command of A asks for B while
 * the command of B asks for A. Neither would ever end, and no lock of ours
 * knows, for what closes the circle are commands waiting for their children.
 *
 * It is seen from outside: who waits for which key (proclocks.h), and in whose
 * runs that process is (MEET_RUNNING in its environment, in /proc). Processes
 * that cannot be seen into, and circles over more than one cache, are missed.
 * Who waits with a deadline less than for ever ends a circle by that. */
#ifndef DPC_DEADLOCK_H
#define DPC_DEADLOCK_H

#include "hash.h"
#include "home.h"

/* This process is about to wait, or is waiting, for the run of `key`: does that
 * close a circle, and is it on us to give way? Of all in a circle those give
 * way who wait for the smallest of the keys awaited in it, so that everybody
 * can judge for himself.
 *
 * The others in it may come later, and a long list of locks may have had a gap:
 * ask again now and then. What is true stays so until somebody gives way. False
 * at once outside of all runs. Allocates nothing. */
bool deadlock_would_close(const struct home *h, const struct digest *key);

#endif
