/* Signatures for what lies where others could write: HMAC-SHA-256 by keys from a file.
 *
 * The file is text, a key a line, in hexadecimal, 32 bytes or more; empty lines and those
 * that begin with # are passed over. The first key signs, all verify; so a new one is put in
 * front, and the old one taken out when nothing signed by it is of use any more. It must be
 * a regular file of the user's own, or root's, that nobody else can read.
 *
 * What is signed are length-prefixed fields under a domain, so that no two things give the
 * same bytes. A signature tells that a holder of a key made the value, not which one.
 *
 * A signer does not change once it is open; any thread. */
#ifndef DPC_SIGN_H
#define DPC_SIGN_H

#include "buf.h"
#include "err.h"
#include "hash.h"

enum { SIGN_ID = 8, SIGN_MAC = 32 };

struct signer;

/* DPC_E_NOTFOUND; DPC_E_DENIED for a file that others may read; DPC_E_USAGE for what is no
 * key; DPC_E_IO. No message shows what is in it. */
int signer_open(struct signer **out, const char *path, dpc_error *err);

/* Wipes the keys. NULL is allowed. */
void signer_close(struct signer *s);

struct signed_thing {
	struct slice ns;
	const struct digest *key;
	uint8_t kind;
	struct slice payload;
};

/* With the id of the key that signed. */
int sign_make(uint8_t id[SIGN_ID], uint8_t mac[SIGN_MAC], const struct signer *s, const struct signed_thing *t,
              dpc_error *err);

/* DPC_E_DENIED: by a key that is not known, or of something else. */
int sign_verify(const uint8_t id[SIGN_ID], const uint8_t mac[SIGN_MAC], const struct signer *s,
                const struct signed_thing *t, dpc_error *err);

/* The secret that holders of the file share in a namespace: made of the last key, which is
 * the one that stays when another is put in front. */
int sign_secret(uint8_t out[16], const struct signer *s, struct slice ns, dpc_error *err);

#endif
