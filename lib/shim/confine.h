/* Programs that restrict which system calls they may make: calls that we make, and the
 * program does not, would be refused then, or its death. So from there on there are none,
 * and nothing is told but that. */
#ifndef DPC_SHIM_CONFINE_H
#define DPC_SHIM_CONFINE_H

/* Before prctl(2) and seccomp(2), with their first arguments. */
void confine_by_prctl(int option, long mode, long filter);
void confine_by_seccomp(long operation, long filter);

#endif
