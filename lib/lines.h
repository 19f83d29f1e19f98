/* The lines of a file, however long it is and they are, without memory but its
 * own: made for /proc, where a file can be a megabyte of short lines, and for a
 * process's environment, whose lines end in zeros. Leaf room. */
#ifndef DPC_LINES_H
#define DPC_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
	int fd;
	char end; /* what ends a line */
	size_t at, size;
	int reads; /* that brought something */
	char chunk[4096];
};

/* 0, or -1 with errno. */
int lines_open(struct lines *l, const char *path, char end);
void lines_close(struct lines *l);

/* The next line without its end, as a string; of one that has no room, what
 * has. False at the end of the file, and where it cannot be read on. */
bool lines_next(struct lines *l, char *line, size_t size);

#endif
