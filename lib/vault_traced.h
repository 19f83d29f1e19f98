/* What the vault does otherwise for a traced run: its result lies under a key of its
 * own, and a manifest leads there. Private to the vault. */
#ifndef DPC_VAULT_TRACED_H
#define DPC_VAULT_TRACED_H

#include "scratch.h"
#include "vault.h"

/* Make `to` the finished recording `r` once more, under the result's key and with all
 * that it depends on: a large one in a file of its own, `file`; a small one borrows
 * from `r`. Release with vault_release_title, close `file`, in any case. */
int vault_retitle(struct recorder *to, struct scratch *file, const struct ask *a, const struct recorder *r,
                  dpc_error *err);
void vault_release_title(struct recorder *to);

/* Make `to` the manifest's next state, with the asking's paths in front of those in
 * the store. */
int vault_make_manifest(struct recorder *to, struct ask *a, struct store *s, const struct capsule *result,
                        dpc_error *err);

/* The asking's manifest, when there is one that counts; DPC_MISS. */
int vault_load_manifest(struct answer *out, struct ask *a, struct store *s, dpc_error *err);

#endif
