/* What musl has besides: see ../table.h. */
#ifndef DPC_SHIM_LIBC_TABLE_H
#define DPC_SHIM_LIBC_TABLE_H

#define TABLE_LIBC(X) X(getdents) X(sendmmsg)

#endif
