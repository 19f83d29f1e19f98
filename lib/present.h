/* What is certainly not in the store: a Bloom filter of one hash in a file of
 * at most 2 MiB, so that a miss need not open a database only to be told so.
 *
 * A bit is set, under the write lock, before its entry is put, and cleared only
 * when all are made anew; so a bit that is not set means a miss, and one that
 * is set means nothing. Where the file is missing every key may be present; so it is
 * in front of a network store. */
#ifndef DPC_PRESENT_H
#define DPC_PRESENT_H

#include "hash.h"
#include "home.h"

/* false: the key is certainly not in the store. */
bool present_maybe(const struct home *h, const struct digest *key);

/* Under the write lock, before the entry is put. */
void present_add(const struct home *h, const struct digest *key);

/* Make it anew, under the write lock: begin (a descriptor, or -1), note every
 * key there is, end. Until the end the old one is in force. `complete` false
 * throws away both, old and new: then every key may be present. */
int present_begin(const struct home *h);
bool present_note(int fd, const struct digest *key);
void present_end(const struct home *h, int fd, bool complete);

#endif
