/* Where relative names start from. */
#ifndef DPC_SHIM_PLACE_H
#define DPC_SHIM_PLACE_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>

/* An absolute directory, or with length 0 none, before an absolute path. */
struct place {
	const char *text;
	size_t length;
};

/* The working directory may have changed, from now on: it has to be asked for each
 * time. (It could be kept and corrected at each chdir but for vfork: the child moves,
 * and shares our memory.) */
void place_moved(void);

/* May the working directory be taken from memory? `place` then is it. */
bool place_known(struct place *place);

/* The directory open as `dir`, or the working one for AT_FDCWD; `room` keeps its
 * text. False when it has no name. */
bool place_of(struct place *place, int dir, char room[WIRE_PATH_MAX]);

#endif
