/* The user's account, for where the environment is silent. */
#ifndef DPC_ACCOUNT_H
#define DPC_ACCOUNT_H

#include <limits.h>

/* The account's home directory from the password database, or NULL. Static
 * storage of the calling thread. Not for the front: a static program cannot
 * ask the database. */
const char *account_home(void);

#endif
