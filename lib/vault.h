/* Store, shelf and data files as one: everything that puts an entry somewhere
 * or takes it away, under the one write lock, in the one order that leaves no
 * gap in which a stale answer could be found. */
#ifndef DPC_VAULT_H
#define DPC_VAULT_H

#include "ask.h"
#include "recorder.h"
#include "store.h"

/* Find the asking's key in the store, ready to be replayed, and lay it on the
 * shelf. The asking must have been observed. DPC_OK, DPC_MISS (when `out` may
 * hold an old one, as with ask_recall), or an error of the store. A damaged
 * entry is a DPC_MISS with *err filled, and is replaced by the next commit. */
int vault_fetch(struct answer *out, struct ask *a, dpc_error *err);

/* The same for an untraced asking, in a store that is open; nothing is laid on the shelf.
 * Memory that is in out->bytes already is made use of. */
int vault_find(struct answer *out, struct ask *a, struct store *s, dpc_error *err);

/* Keep a finished recording (state DONE) under the asking's key: large ones by
 * linking `scratch` (the recorder's file, below the home) into data/. DPC_MISS
 * when it was voided or invalidated meanwhile and is not to be kept. */
int vault_commit(struct ask *a, struct recorder *r, const char *scratch, dpc_error *err);

/* Under the write lock, in a store that is open: keep a plain value's whole capsule, as
 * small as it is, under the asking's key. It is not laid on the shelf, from where what
 * was there is taken. */
int vault_put_value(const struct ask *a, const struct capsule *c, struct slice bytes, struct store *s, dpc_error *err);

/* Take one entry out of store, shelf and data, and void a run of it that is at
 * work. DPC_MISS when there was neither. */
int vault_remove(const struct home *h, const struct digest *key, dpc_error *err);

/* Take out all entries for which `condemned` says so. Their number, manifests aside,
 * and bytes are added to *count and *bytes. */
typedef bool vault_condemn_fn(void *context, const struct entry_info *info);
int vault_remove_if(const struct home *h, vault_condemn_fn *condemned, void *context, uint64_t *count,
                    uint64_t *bytes, dpc_error *err);

/* Take out all entries with a label for which `matches` says so, and void the runs
 * at work with such a label, or with one that cannot be read just now. */
typedef bool vault_label_fn(void *context, struct slice label);
int vault_invalidate_if(const struct home *h, vault_label_fn *matches, void *context, dpc_error *err);

/* Move a broken store aside, under the name told in `moved`, and what hangs on
 * it (shelf, filter) away: what was answered from there could not be forgotten
 * any more. */
int vault_quarantine(const struct home *h, char *moved, size_t size, dpc_error *err);

/* Can the store be used? DPC_OK also where it is yet to be made. */
int vault_probe(const struct home *h, dpc_error *err);

/* Invalidate everything, whatever its number. */
int vault_invalidate_all(struct home *h, dpc_error *err);

/* What its capsule knows of an entry: all but question, file and uses. The label is borrowed
 * from `m`. */
struct entry_info vault_info(const struct capsule *c, const struct capsule_meta *m);

/* Load an entry whole, whatever its age; key material is not compared. */
int vault_load(struct answer *out, const struct home *h, struct store *s, const struct digest *key,
               dpc_error *err);

/* The same, but the output is not looked at: only head and meta are good. */
int vault_describe(struct answer *out, const struct home *h, struct store *s, const struct digest *key,
                   dpc_error *err);

#endif
