#include "vault.h"

#include "backoff.h"
#include "lock.h"
#include "os.h"
#include "output.h"
#include "scratch.h"
#include "shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the store says of a key, made an answer whose every byte was checked. */
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
	if (rc == DPC_OK)
		rc = capsule_check_frames(&out->capsule, &out->frames, err);
	if (rc == DPC_OK)
		rc = outputs_check(&out->capsule, &out->frames, err);
	if (rc == DPC_OK && memcmp(&out->capsule.key, key, sizeof *key) != 0)
		rc = dpc__fail(err, DPC_E_CORRUPT, "capsule lies under another key");
	return rc == DPC_OK ? rc : dpc__context(err, rc, "a remembered result is damaged");
}

int vault_load(struct answer *out, const struct home *h, struct store *s, const struct digest *key,
               dpc_error *err)
{
	struct buf capsule = {0}, file = {0};
	int rc = store_get(s, key, &capsule, &file, err);
	if (rc == DPC_OK)
		rc = open_stored(out, h, key, &capsule, &file, err);
	buf_release(&capsule);
	buf_release(&file);
	return rc;
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
	struct shelf_item item = {.observed = &a->observed};
	struct stat st;
	if (store_has(s, &a->key, found->capsule.created.wall, NULL) != DPC_OK ||
	    store_get(s, &a->key, &bytes, &file, NULL) != DPC_OK)
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

int vault_fetch(struct answer *out, struct ask *a, dpc_error *err)
{
	struct store s;
	int64_t age;
	dpc_error trouble = {0};
	if (!store_maybe_has(a->home, &a->key))
		return DPC_MISS;
	int rc = store_open(&s, a->home, false, &trouble);
	if (rc == DPC_E_NOTFOUND)
		return DPC_MISS;
	if (rc != DPC_OK)
		return dpc__fail(err, rc, "%s", trouble.message);
	rc = load_current(out, a->home, &s, &a->key, &trouble);
	/* Damage to one entry is a miss with a word about it. */
	if (rc == DPC_E_CORRUPT || rc == DPC_E_NOTFOUND || rc == DPC_E_VERSION) {
		dpc__fail(err, rc, "%s", trouble.message);
		rc = DPC_MISS;
	} else if (rc < 0) {
		dpc__fail(err, rc, "%s", trouble.message);
	}
	bool wanted = rc == DPC_OK && ask_wants(a, &out->capsule, &out->meta, &age);
	if (rc == DPC_OK && !(wanted && verdict_serves(a->verdict)))
		rc = DPC_MISS;
	if (wanted) {
		out->age = age;
		int lock = home_lock(a->home, HOME_PATIENCE / 100, NULL);
		if (lock >= 0) {
			shelve(a, &s, out);
			home_unlock(lock);
		}
	} else {
		answer_release(out);
	}
	store_close(&s);
	return rc;
}

/* A second name for the recorder's file: what is named data/… is whole. */
static int adopt(char *name, size_t size, const struct home *h, const struct digest *key,
                 const char *scratch, dpc_error *err)
{
	char hex[DIGEST_HEX], dir[16];
	uint32_t unique;
	digest_hex(hex, key);
	if (os_random(&unique, sizeof unique) < 0)
		return dpc__fail_errno(err, "cannot get random bytes");
	snprintf(dir, sizeof dir, "data/%.2s", hex);
	snprintf(name, size, "%s/%s-%08x", dir, hex, unique);
	if (linkat(h->fd, scratch, h->fd, name, 0) == 0)
		return DPC_OK;
	if (errno == ENOENT && home_mkdir(h, "data") == 0 && home_mkdir(h, dir) == 0 &&
	    linkat(h->fd, scratch, h->fd, name, 0) == 0)
		return DPC_OK;
	return dpc__fail_errno(err, "cannot keep the output in %s/%s", h->path, dir);
}

static bool was_voided(const struct recorder *r)
{
	uint32_t voided = 0;
	return r->fd >= 0 && pread(r->fd, &voided, sizeof voided, CAPSULE_VOIDED_AT) == sizeof voided && voided;
}

static struct entry_info describe(const struct ask *a, const struct recorder *r, const char *file)
{
	const struct capsule *c = &r->capsule;
	struct entry_info info = {
	    .key = a->key,
	    .question = a->hash,
	    .created = c->created.wall,
	    .ttl = c->ttl,
	    .grace = c->grace,
	    .generation = c->generation,
	    .cost = c->cost,
	    .output_size = c->output_size,
	    .stored_size = capsule_size(c),
	    .status = c->status,
	    .flags = c->flags,
	    .file = file,
	};
	struct capsule_meta m;
	if (capsule_decode_meta(&m, c, (struct slice){r->meta.data, r->meta.size}, NULL) == DPC_OK)
		info.label = m.label;
	return info;
}

static void unlink_old(const struct home *h, const struct buf *old_file)
{
	if (old_file->size && !old_file->failed)
		unlinkat(h->fd, (const char *)old_file->data, 0);
}

/* Did somebody who began later keep a result before us? By a clock that was set
 * back since it would be one from the future: that counts for nothing. */
static bool has_newer(struct store *s, const struct capsule *c)
{
	struct entry_info there;
	if (!store_maybe_has(s->home, &c->key) || store_look(s, &c->key, &there, NULL) != DPC_OK)
		return false;
	return there.created - there.cost > c->started && there.created <= clock_wall_ns();
}

static int put_in_store(const struct ask *a, const struct recorder *r, const char *file, struct slice capsule,
                        dpc_error *err)
{
	struct store s;
	struct buf old_file = {0};
	struct entry_info info = describe(a, r, file);
	int rc = store_open(&s, a->home, true, err);
	if (rc == DPC_OK)
		rc = store_batch(&s, true, err);
	if (rc == DPC_OK && has_newer(&s, &r->capsule))
		rc = DPC_MISS;
	if (rc == DPC_OK)
		rc = store_put(&s, &info, file ? (struct slice){NULL, 0} : capsule, &old_file, err);
	if (rc == DPC_OK)
		rc = store_batch(&s, false, err);
	store_close(&s);
	if (rc == DPC_OK)
		unlink_old(a->home, &old_file);
	buf_release(&old_file);
	return rc;
}

/* In the store first, for that is the truth; then on the shelf. */
static int put_everywhere(struct ask *a, struct recorder *r, const char *scratch, const char *file,
                          dpc_error *err)
{
	struct buf bytes = {0};
	struct stat st;
	if (recorder_inline_bytes(r, &bytes) < 0) {
		buf_release(&bytes);
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	}
	struct shelf_item item = {.observed = &a->observed, .capsule = {bytes.data, bytes.size}, .file = file};
	int rc = put_in_store(a, r, file, item.capsule, err);
	if (rc == DPC_OK) {
		if (file && fstat(r->fd, &st) == 0)
			tuple_of(&item.file_tuple, &st, clock_wall_ns());
		if (!file && r->fd >= 0) {
			item.run_name = scratch;
			item.run_fd = r->fd;
		}
		shelf_put(a->home, &a->hash, &item);
	}
	buf_release(&bytes);
	return rc;
}

int vault_commit(struct ask *a, struct recorder *r, const char *scratch, dpc_error *err)
{
	char name[64];
	struct state now;
	const char *file = NULL;
	int lock = home_lock(a->home, HOME_PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = state_read(&now, a->home->fd, err);
	if (rc == DPC_OK && (was_voided(r) || r->capsule.generation < now.floor))
		rc = DPC_MISS;
	if (rc == DPC_OK && r->spilled && !os_path_names(a->home->fd, scratch, r->fd))
		rc = dpc__fail(err, DPC_E_IO, "%s/%s was removed under us", a->home->path, scratch);
	if (rc == DPC_OK && r->spilled) {
		rc = adopt(name, sizeof name, a->home, &a->key, scratch, err);
		file = rc == DPC_OK ? name : NULL;
	}
	if (rc == DPC_OK)
		rc = put_everywhere(a, r, scratch, file, err);
	if (rc != DPC_OK && file)
		unlinkat(a->home->fd, file, 0);
	home_unlock(lock);
	return rc;
}

int vault_quarantine(const struct home *h, char *moved, size_t size, dpc_error *err)
{
	int lock = home_lock(h, HOME_PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = store_engine()->quarantine(h, moved, size, err);
	if (rc == DPC_OK)
		shelf_clear(h);
	home_unlock(lock);
	return rc;
}

int vault_probe(const struct home *h, dpc_error *err)
{
	struct store s;
	dpc_error trouble = {0};
	static const struct digest any;
	int rc = store_open(&s, h, false, &trouble);
	/* Opening reads little; a question shows whether it answers. */
	if (rc == DPC_OK)
		rc = store_has(&s, &any, 0, &trouble);
	store_close(&s);
	if (rc >= 0 || rc == DPC_E_NOTFOUND)
		return DPC_OK;
	return dpc__fail(err, rc, "%s", trouble.message);
}
