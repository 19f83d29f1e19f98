/* What was seen in a traced run, by path: the log's records (shim/wire.h) walked in
 * order and summed up. What it means for the result is judged elsewhere (trace.h). */
#ifndef DPC_SIGHTINGS_H
#define DPC_SIGHTINGS_H

#include "err.h"
#include "pathset.h"
#include "shim/wire.h"
#include "way.h"

/* How a path was looked at before the run had made it itself, and what became of it. */
enum sighting {
	SEEN_READ = 1,      /* its content */
	SEEN_STAT = 2,      /* its metadata … */
	SEEN_LSTAT = 4,     /* … of a link itself */
	SEEN_PLACE = 8,     /* that it is there, its type, mode and owner */
	SEEN_LPLACE = 16,
	SEEN_LIST = 32,     /* the names in it */
	SEEN_LINK = 64,     /* where it leads */
	SEEN_ABSENT = 128,  /* that it is not there … */
	SEEN_NO_NAME = 256, /* … not even as a dangling link */
	SEEN_DENIED = 512,  /* that it may not be looked at, or not be changed */
	SEEN_LOOKS = 1023,  /* any of these */
	SEEN_OWN = 1024,    /* its content, if any, is of the run's own making since */
	SEEN_FRESH = 32768, /* … and it was not there, which matters once that is looked at */
	SEEN_OWN_LINK = 2048, /* … and that is a symbolic link */
	SEEN_WRITABLE = 16384, /* the run could have changed it; its change time tells */
	SEEN_CHANGED = 4096, /* the run changed what was there before … */
	SEEN_SPOILED = 8192  /* … and looked at it, too: how it was cannot be told any more */
};

struct sightings {
	struct pathset paths;     /* absolute, tidied up */
	struct pathset variables; /* names that were looked up */
	struct pathset programs;  /* those that have their environment at hand whole */
	bool own_links;           /* the run made symbolic links … */
	bool own_links_turned;    /* … and of one name more than one */
	struct pathset executed;  /* programs and scripts, by bits: 1, it was not in vain */
	struct pathset blind;     /* what was executed, or tried to be, with nobody watching */
	bool dynamic;             /* some program was linked dynamically */
	struct pathset processes; /* what wrote records: "/proc/" and the number; by bits: 1, it
	                           * gave a link of the run's another name */
	bool asked_where;         /* where files lie that are open: by the links that they were opened by */
	struct pathset touched;   /* directories in which the run made or removed names */
	struct way_memory ways;
};

/* Walk the log. DPC_OK; DPC_MISS when it tells, or fails to tell, something for which
 * the result must not be kept: then `err` says so. DPC_E_MEMORY. */
int sightings_read(struct sightings *s, const struct wire_head *head, dpc_error *err);

void sightings_release(struct sightings *s);

/* A file, absolute, that the run may have read without anybody seeing it. To be said
 * before sightings_read. */
int sightings_suppose(struct sightings *s, const char *path);

/* Is it what /proc says of a process of the run? */
bool sightings_is_own_process(const struct sightings *s, const char *path);

/* Take "//", "/./", and, where no link is in the way, "/x/.." out of an absolute
 * path. `out` has WIRE_PATH_MAX bytes. */
void sightings_tidy(struct sightings *s, char *out, const char *path);

#endif
