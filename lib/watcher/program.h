/* What executing a file starts: the program that runs, and what the kernel itself
 * loads for it, which nobody sees it open. */
#ifndef DPC_WATCHER_PROGRAM_H
#define DPC_WATCHER_PROGRAM_H

#include <stdbool.h>

enum { PROGRAM_PATH = 4096 + 256 };

struct program {
	char executable[PROGRAM_PATH]; /* after all "#!", as the last of them names it */
	char loader[PROGRAM_PATH];     /* of shared libraries; empty: there is none */
	bool gains_rights;             /* it runs as somebody else, or with more rights, than who executes it */
};

/* Look at `path`, which is absolute and shorter than PROGRAM_PATH. Follows scripts to
 * the interpreter of the last; what cannot be read stands as it is named. */
void program_look(struct program *p, const char *path);

/* Take the interpreter out of a script's first bytes. False: it is no script. */
bool program_script(char *interpreter, const char *head, unsigned long size);

#endif
