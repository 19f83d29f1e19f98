/* The one line that a waiting follower shows to somebody at a terminal: it is
 * written over itself, and gone when the wait is over. */
#ifndef DPC_WAITLINE_H
#define DPC_WAITLINE_H

#include <stddef.h>
#include <stdint.h>

enum { WAITLINE_SIZE = 160 };

struct waitline_facts {
	uint32_t pid;     /* of the leader; 0: not known */
	int64_t running;  /* for how long, ns; negative: not known */
	int64_t usually;  /* how long the last run took, ns; 0 or less: not known */
	unsigned waiting; /* how many wait; said where they are several */
};

/* "dpcache: waiting for pid 1234 (running 12 s, usually 40 s, 3 waiting)" */
void waitline_text(char out[WAITLINE_SIZE], const struct waitline_facts *f);

struct waitline {
	int fd;                    /* -1: nobody would see it */
	char shown[WAITLINE_SIZE]; /* "": nothing */
};

/* `fd` is shown to only while it is a terminal and we are not in its background. */
void waitline_init(struct waitline *w, int fd);

/* Show it; nothing is written where it says so already. Failures are nobody's
 * concern. */
void waitline_show(struct waitline *w, const struct waitline_facts *f);

/* Leave no trace of it, so that the line is another's to write. */
void waitline_erase(struct waitline *w);

#endif
