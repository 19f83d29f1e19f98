/* The environment of a program that must not see that it is traced. */
#ifndef DPC_WATCHER_ENVIRONMENT_H
#define DPC_WATCHER_ENVIRONMENT_H

/* Take WIRE_VARIABLE out of envp, and out of its LD_PRELOAD the libraries named: one
 * of them with the colon or space behind it, or before it where it is the last. A
 * variable that names nothing else goes, too. In place; an empty name is none. */
void environment_clean(char **envp, const char *const libraries[2]);

#endif
