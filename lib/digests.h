/* The stat cache: content digests of files by stat tuple, so that an
 * unchanged file is not read again.
 *
 * One file of fixed size: sets of four slots, a set chosen by hash of device
 * and inode, each slot with its own checksum. Readers and writers take no
 * lock: a slot torn by a race fails its checksum and is a file to be read
 * once more. Disposable at any time; the worst loss is time. */
#ifndef DPC_DIGESTS_H
#define DPC_DIGESTS_H

#include "hash.h"
#include "tuple.h"

struct digests {
	int home_fd;
	int fd;       /* -1: not opened yet; -2: cannot be opened */
	bool writable;
	bool look_only; /* set behind digests_init: nothing is noted down */
};

void digests_init(struct digests *d, int home_fd);
void digests_release(struct digests *d);

/* Digest of the file's content, by tuple alone; false when unknown or racy. */
bool digests_find(struct digests *d, const struct tuple *t, struct digest *out);

/* Note it down; failure is no matter. */
void digests_note(struct digests *d, const struct tuple *t, const struct digest *digest);

#endif
