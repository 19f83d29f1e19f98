/* Directories below the working directory, reached without ever leaving it: no
 * symbolic link is followed on the way. */
#ifndef DPC_BENEATH_H
#define DPC_BENEATH_H

#include <limits.h>
#include <stdbool.h>

/* Zero-initialise by beneath_open; release with beneath_close. */
struct beneath {
	int base; /* the working directory, whatever becomes of its name */
	int fd;   /* of `path`, the directory asked for last; -1: none */
	char path[PATH_MAX];
};

/* 0, or -1 with errno. */
int beneath_open(struct beneath *b);
void beneath_close(struct beneath *b);

/* The directory in which `path` lies, a plain one (output.h), and the last part in
 * *name. The descriptor, good for the *at calls, is lent until the next call. With
 * `make`, what is missing of the way is made. -1 with errno: ENOENT, or ELOOP, EXDEV,
 * ENOTDIR and others for what is not to be entered. */
int beneath_parent(struct beneath *b, const char *path, bool make, const char **name);

#endif
