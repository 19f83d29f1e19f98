/* An executable file on disk, as far as it has to be known before it is executed.
 * Read, not mapped: a mapping of a file that somebody cuts short is a SIGBUS. */
#ifndef DPC_SHIM_ELFILE_H
#define DPC_SHIM_ELFILE_H

#include <stdbool.h>
#include <stddef.h>

struct elfile {
	long fd;
	size_t size;                  /* of what is in `head` */
	_Alignas(16) char head[2048]; /* where the headers are, always; with room to work in */
};

/* 0, or the error. Only what was opened is to be closed. */
int elfile_open(struct elfile *e, int dir, const char *path);
void elfile_close(struct elfile *e);

/* For this processor, in any of its modes? */
bool elfile_is_program(const struct elfile *e);

/* The dynamic linker that it names. False: none, or it is not for this processor. */
bool elfile_loader(const struct elfile *e, char *loader, size_t room);

/* Is it certain that the kernel can execute it, once it has looked at it and at its
 * dynamic linker? Of what is not for this processor, or not usual, it is not. */
bool elfile_will_begin(const struct elfile *e);

/* Is a sanitizer's runtime among these names of libraries? */
bool elfile_names_sanitizer(const char *libraries);

/* Does it need, or has it built in, a sanitizer's runtime? Those want to be the first
 * in a process. */
bool elfile_has_sanitizer(const struct elfile *e);

/* Does it have rights of its own by its extended attributes? */
bool elfile_gives_capabilities(const struct elfile *e);

#endif
