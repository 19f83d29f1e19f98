/* Records of the shared objects that are loaded, and of where one of that name would
 * have been taken instead. */
#ifndef DPC_SHIM_LIBRARY_H
#define DPC_SHIM_LIBRARY_H

/* Of those that the program was started with. */
void library_begin(void);

/* Of those that have come since; also by the C library's own doing. Takes the dynamic
 * linker's lock. */
void library_sweep(void);

/* The same, for who cannot wait until the library is there: at the next occasion. And
 * such an occasion. */
void library_sweep_later(void);
void library_sweep_now(void);

/* A name without a directory that was sought in vain. */
void library_log_absent(const char *name);

#endif
