/* After the run: the files that it wrote are found and put into its capsule.
 *
 *   gather_spec, gather_path … → gather_keep → gather_release
 *
 * Specs are what the caller has declared; paths may come from anywhere else. */
#ifndef DPC_GATHER_H
#define DPC_GATHER_H

#include "recorder.h"

/* Zero-initialise. */
struct gather {
	struct buf names; /* plain (output.h), each ending in NUL */
	size_t count;
};

/* A declared output: what is there is taken literally; where nothing is, and it has
 * any of *?[ in it, it is a pattern, which may match nothing; else it is missing, as
 * gather_keep will say. */
int gather_spec(struct gather *g, const char *spec, dpc_error *err);

/* A file that must be there. DPC_E_DENIED when it is not below the working directory. */
int gather_path(struct gather *g, const char *path, dpc_error *err);

/* Put all of them, each once, into the recorder behind what the run printed, and the
 * list of them. DPC_OK; else there are none in it, and why not is:
 * DPC_E_NOTFOUND    one is missing
 * DPC_E_DENIED      one is no regular file, or lies behind a symbolic link
 * DPC_E_CONFLICT    one changed while it was read
 * DPC_E_USAGE       they are larger than the recorder's limit
 * DPC_E_IO, DPC_E_MEMORY */
int gather_keep(struct recorder *r, const struct gather *g, dpc_error *err);

void gather_release(struct gather *g);

#endif
