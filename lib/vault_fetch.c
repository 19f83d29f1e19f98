/* Finding in the store, and laying what was found on the shelf. */
#include "vault_traced.h"

#include "manifest.h"
#include "os.h"
#include "output.h"
#include "shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char DAMAGED[] = "a remembered result is damaged";

/* What the store says of a key, made an answer; its output is yet to be checked. */
static int open_stored(struct answer *out, const struct home *h, const struct digest *key,
                       struct buf *capsule, const struct buf *file, dpc_error *err)
{
	int rc = DPC_OK;
	if (capsule->failed || file->failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	if (file->size) {
		const char *name = (const char *)file->data;
		int fd = os_openat_high(h->fd, name, O_RDONLY | O_NOFOLLOW, 0);
		rc = fd >= 0           ? answer_from_fd(out, fd, err)
		     : errno == ENOENT ? dpc__fail(err, DPC_E_NOTFOUND, "capsule %s/%s is gone", h->path, name)
		                       : dpc__fail_errno(err, "cannot open capsule %s/%s", h->path, name);
	} else {
		rc = answer_from_bytes(out, capsule, err);
		if (rc == DPC_OK && !out->frames.memory.data)
			rc = dpc__fail(err, DPC_E_CORRUPT, "capsule is cut short");
	}
	if (rc == DPC_OK && memcmp(&out->capsule.key, key, sizeof *key) != 0)
		rc = dpc__fail(err, DPC_E_CORRUPT, "capsule lies under another key");
	return rc == DPC_OK ? rc : dpc__context(err, rc, DAMAGED);
}

int vault_describe(struct answer *out, const struct home *h, struct store *s, const struct digest *key,
                   dpc_error *err)
{
	struct buf capsule = out->bytes, file = {0};
	out->bytes = (struct buf){0};
	capsule.size = 0;
	int rc = store_get(s, key, &capsule, &file, err);
	if (rc == DPC_OK)
		rc = open_stored(out, h, key, &capsule, &file, err);
	buf_release(&capsule);
	buf_release(&file);
	return rc;
}

int vault_load(struct answer *out, const struct home *h, struct store *s, const struct digest *key,
               dpc_error *err)
{
	int rc = vault_describe(out, h, s, key, err);
	if (rc != DPC_OK)
		return rc;
	rc = capsule_check_frames(&out->capsule, &out->frames, err);
	if (rc == DPC_OK)
		rc = outputs_check(&out->capsule, &out->frames, err);
	return rc == DPC_OK ? rc : dpc__context(err, rc, DAMAGED);
}

/* Between the row and its file the entry may be replaced: then look once more. */
static int load_current(struct answer *out, const struct home *h, struct store *s,
                        const struct digest *key, dpc_error *err)
{
	int rc = vault_load(out, h, s, key, err);
	if (rc != DPC_E_NOTFOUND)
		return rc;
	answer_release(out);
	return vault_load(out, h, s, key, err);
}

/* Shelve what `s`, under the write lock, still holds. */
static void shelve(struct ask *a, struct store *s, const struct answer *found)
{
	struct buf bytes = {0}, file = {0};
	struct shelf_item item = {.observed = &a->observed, .traced = &a->traced};
	const struct digest *key = &found->capsule.key;
	struct stat st;
	/* In front of a server, whoever puts it there need not wait for us: its age bounds it. */
	if (a->home->place) {
		item.capsule = (struct slice){found->bytes.data, found->bytes.size};
		shelf_put(a->home, &a->hash, &item);
		goto out;
	}
	if (store_has(s, key, found->capsule.created.wall, NULL) != DPC_OK ||
	    store_get(s, key, &bytes, &file, NULL) != DPC_OK)
		goto out;
	item.capsule = (struct slice){bytes.data, bytes.size};
	if (file.size) {
		item.capsule = (struct slice){found->bytes.data, found->bytes.size};
		item.file = (const char *)file.data;
		if (fstat(found->fd, &st) < 0)
			goto out;
		tuple_of(&item.file_tuple, &st, clock_wall_ns());
	}
	shelf_put(a->home, &a->hash, &item);
out:
	buf_release(&bytes);
	buf_release(&file);
}

/* Damage to one entry is a miss with a word about it. */
static int load_or_miss(struct answer *out, struct ask *a, struct store *s, const struct digest *key,
                        dpc_error *err)
{
	dpc_error trouble = {0};
	int rc = load_current(out, a->home, s, key, &trouble);
	if (rc < 0)
		dpc__fail(err, rc, "%s", trouble.message);
	if (rc == DPC_E_CORRUPT || rc == DPC_E_NOTFOUND || rc == DPC_E_VERSION || rc == DPC_E_DENIED)
		rc = DPC_MISS;
	if (rc != DPC_OK)
		answer_release(out);
	return rc;
}

/* DPC_OK with an entry that serves or is to be fallen back on. */
static int load_wanted(struct answer *out, struct ask *a, struct store *s, const struct digest *key,
                       dpc_error *err)
{
	int rc = load_or_miss(out, a, s, key, err);
	if (rc == DPC_OK && !ask_wants(a, &out->capsule, &out->meta, &out->age)) {
		answer_release(out);
		rc = DPC_MISS;
	}
	return rc;
}

int vault_load_manifest(struct answer *out, struct ask *a, struct store *s, dpc_error *err)
{
	int rc = store_maybe_has(a->home, &a->key) ? load_or_miss(out, a, s, &a->key, err) : DPC_MISS;
	if (rc == DPC_OK && (!(out->capsule.flags & CAPSULE_MANIFEST) || !ask_matches(a, &out->meta) ||
	                     out->capsule.generation < a->home->state.floor)) {
		answer_release(out);
		rc = DPC_MISS;
	}
	return rc;
}

/* By each set of paths that a result of this question has depended on. */
static int load_traced(struct answer *out, struct ask *a, struct store *s, dpc_error *err)
{
	const struct looker look = {&a->digests, a->home->state.secret};
	struct answer manifest = ANSWER_NONE;
	int rc = vault_load_manifest(&manifest, a, s, err), set = DPC_OK;
	if (rc != DPC_OK)
		return rc;
	struct slice all = manifest.meta.traced;
	struct cursor sets = {all.data, all.data + all.size, false};
	rc = DPC_MISS;
	while (rc == DPC_MISS && (set = manifest_next(&a->traced, &sets, &look)) != DPC_MISS) {
		struct digest key = ask_result_key(a);
		if (set == DPC_OK && store_maybe_has(a->home, &key))
			rc = load_wanted(out, a, s, &key, err);
	}
	answer_release(&manifest);
	return rc;
}

int vault_find(struct answer *out, struct ask *a, struct store *s, dpc_error *err)
{
	int rc = load_wanted(out, a, s, &a->key, err);
	return rc == DPC_OK && !verdict_serves(a->verdict) ? DPC_MISS : rc;
}

int vault_fetch(struct answer *out, struct ask *a, dpc_error *err)
{
	struct store s;
	dpc_error trouble = {0};
	if (!store_maybe_has(a->home, &a->key))
		return DPC_MISS;
	int rc = a->look_only ? store_look_only(&s, a->home, &trouble) : store_open(&s, a->home, false, &trouble);
	if (rc != DPC_OK) {
		store_close(&s);
		return rc == DPC_E_NOTFOUND ? DPC_MISS : dpc__fail(err, rc, "%s", trouble.message);
	}
	rc = ask_is_traced(a) ? load_traced(out, a, &s, err) : load_wanted(out, a, &s, &a->key, err);
	if (rc == DPC_OK && !a->look_only) {
		int lock = home_lock(a->home, HOME_PATIENCE / 100, NULL);
		if (lock >= 0) {
			shelve(a, &s, out);
			home_unlock(lock);
		}
	}
	store_close(&s);
	return rc == DPC_OK && !verdict_serves(a->verdict) ? DPC_MISS : rc;
}
