/* What /proc says of other processes. */
#ifndef FAULT_PROC_H
#define FAULT_PROC_H

#include <sys/types.h>

/* 0 when there is no such process. */
pid_t parent_of(pid_t pid);

#endif
