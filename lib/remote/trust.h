/* Whose values are believed: the key file that a network store's URL or the environment
 * names.
 *
 * It is DPCACHE_KEY_FILE, else dpcache/key in XDG_CONFIG_HOME or ~/.config. Where there is
 * none, the URL has to say unsigned=1; where it says so, none is looked for. */
#ifndef DPC_TRUST_H
#define DPC_TRUST_H

#include "net.h"

struct signer;

/* *out is the caller's, for signer_close; NULL: unsigned. DPC_E_USAGE where there is no key
 * and nothing says that none is wanted; and what signer_open returns. */
int trust_signer(struct signer **out, const struct net *n, dpc_error *err);

/* The secret that keys digests of variables, the same for all who have the key. Unsigned,
 * it is one that anybody can work out. */
int trust_secret(uint8_t out[16], const struct net *n, dpc_error *err);

#endif
