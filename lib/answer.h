/* An answer found: a capsule with its parts taken apart, whatever holds it. */
#ifndef DPC_ANSWER_H
#define DPC_ANSWER_H

#include "capsule.h"
#include "home.h"

/* Zero-initialise by ANSWER_NONE; release with answer_release. */
struct answer {
	struct capsule capsule;
	struct capsule_meta meta; /* borrowed from `bytes` */
	struct frames frames;
	int64_t age;              /* ns */
	struct buf bytes;         /* owns what the above point into */
	int fd;                   /* owns what frames.fd is; -1: none */
};

#define ANSWER_NONE ((struct answer){.fd = -1})

/* Take over a whole capsule, or head and meta, in memory. Frames are set when
 * they are in `bytes`; else the caller attaches their file. */
int answer_from_bytes(struct answer *a, struct buf *bytes, dpc_error *err);

/* Take over a descriptor whose file is a complete capsule. */
int answer_from_fd(struct answer *a, int fd, dpc_error *err);

/* The same of a capsule that may be unfinished: head and meta only. `fd` stays the
 * caller's. */
int answer_describe(struct answer *a, int fd, dpc_error *err);

/* Open data/… (borrowed name) as the file of an answer's frames. */
int answer_attach(struct answer *a, const struct home *h, struct slice name, dpc_error *err);

void answer_release(struct answer *a);

#endif
