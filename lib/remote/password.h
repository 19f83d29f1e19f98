/* The password for a server: from DPCACHE_PASSWORD, or the file that
 * DPCACHE_PASSWORD_FILE names, up to its first line's end. */
#ifndef DPC_PASSWORD_H
#define DPC_PASSWORD_H

#include "err.h"

enum { PASSWORD_SIZE = 1024 };

/* "" where there is none. DPC_E_DENIED for a file that others may read. The caller
 * wipes it. */
int password_find(char out[PASSWORD_SIZE], dpc_error *err);

#endif
