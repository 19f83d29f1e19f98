/* What all parts of the torture share: its clock, its dice, and its complaints. */
#ifndef FAULT_CHAOS_H
#define FAULT_CHAOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t now_ns(void); /* CLOCK_MONOTONIC */

/* Since the torture began, for people. */
double seconds(int64_t ns);

/* The dice: seeded once, so that SEED repeats what is done; when the processes
 * get their turns nobody can repeat. */
void dice_seed(uint64_t seed);
unsigned dice(unsigned sides); /* 0 … sides - 1 */
bool one_in(unsigned n);

/* Something of our own failed: no verdict. Does not return. */
void die(const char *what) __attribute__((noreturn));
void *allocate(size_t count, size_t size);

/* Note an event, to be shown if a complaint about this kind of key follows (-1: all). */
void note(int kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A violation: said at once, with what happened lately. `kind` is the key's, or -1. */
void complain(int kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
long complaints(void);

#endif
