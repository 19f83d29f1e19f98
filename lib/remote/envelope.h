/* An entry as a server has it:
 *
 *   "DPV1"   the version
 *   u8       ENVELOPE_SIGNED, ENVELOPE_SQUEEZED
 *   8, 32    id of the key that signed, and its signature; zeros where there is none
 *   field    head: the entry's row (row.h), u64 size of the capsule, 32 bytes SHA-256 of
 *            what follows
 *   …        the capsule, squeezed or plain
 *
 * The signature is over namespace, key, flags and head, and by the head's digest over the
 * rest: so that the head alone can be believed, too. It is looked at before anything
 * behind it is. The entry's created is by the server's clock. */
#ifndef DPC_ENVELOPE_H
#define DPC_ENVELOPE_H

#include "store.h"

struct signer;

struct envelope_rules {
	const struct signer *signer; /* NULL: unsigned, and what is signed is believed unchecked */
	struct slice ns;
	int zstd;                    /* level; 0: none */
	int64_t ahead;               /* ns by which the server's clock is ahead */
};

/* What is read at once to look at a head; a longer one says so. */
enum { ENVELOPE_PEEK = 4096 };

/* Appended. The whole capsule is in it, also one that lies in a file of the home: that is
 * this machine's alone. DPC_E_MEMORY, DPC_E_IO. */
int envelope_seal(struct buf *out, const struct home *h, const struct entry_info *info, struct slice capsule,
                  const struct envelope_rules *rules, dpc_error *err);

/* For how long the server should keep it, in ns, DPC_FOREVER: as long as it can be of use to
 * anybody, and a day, for callers may have longer ttls than the writer. */
int64_t envelope_lifetime(const struct entry_info *info);

/* The head, from as much of the envelope as there is; label is borrowed. *need is how much
 * of it is needed: more than there is with DPC_MISS. DPC_E_DENIED for a signature that is
 * missing, not known or wrong; DPC_E_VERSION; DPC_E_CORRUPT. */
int envelope_peek(struct entry_info *info, size_t *need, struct slice bytes, const struct digest *key,
                  const struct envelope_rules *rules, dpc_error *err);

/* The whole; the capsule is appended to `capsule`. The same codes. */
int envelope_open(struct entry_info *info, struct buf *capsule, struct slice bytes, const struct digest *key,
                  const struct envelope_rules *rules, dpc_error *err);

#endif
