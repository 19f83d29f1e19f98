/* The user's account, for where the environment is silent. */
#ifndef DPC_ACCOUNT_H
#define DPC_ACCOUNT_H

#include <limits.h>

/* The account's home directory by /etc/passwd, or NULL. Static storage of the
 * calling thread. */
const char *account_home(void);

#endif
