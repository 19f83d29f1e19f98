#include "vault_traced.h"

#include "backoff.h"
#include "lock.h"
#include "os.h"
#include "scratch.h"
#include "shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

struct entry_info vault_info(const struct capsule *c, const struct capsule_meta *m)
{
	return (struct entry_info){
	    .key = c->key,
	    .created = c->created.wall,
	    .ttl = c->ttl,
	    .grace = c->grace,
	    .generation = c->generation,
	    .cost = c->cost,
	    .output_size = c->output_size,
	    .stored_size = capsule_size(c),
	    .status = c->status,
	    .flags = c->flags,
	    .label = m->label,
	};
}

static struct entry_info describe(const struct ask *a, const struct capsule *c, struct slice meta, const char *file)
{
	struct capsule_meta m;
	if (capsule_decode_meta(&m, c, meta, NULL) != DPC_OK)
		m.label = (struct slice){NULL, 0};
	struct entry_info info = vault_info(c, &m);
	info.question = a->hash;
	info.file = file;
	info.grant = a->grant;
	return info;
}

static struct entry_info describe_recorded(const struct ask *a, const struct recorder *r, const char *file)
{
	return describe(a, &r->capsule, (struct slice){r->meta.data, r->meta.size}, file);
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

/* What leads to the result, in one piece of work with it. */
static int put_manifest(struct store *s, struct ask *a, const struct capsule *result, dpc_error *err)
{
	struct recorder m = {.fd = -1};
	struct buf bytes = {0}, none = {0};
	int rc = vault_make_manifest(&m, a, s, result, err);
	if (rc == DPC_OK && recorder_inline_bytes(&m, &bytes) < 0)
		rc = dpc__fail(err, DPC_E_MEMORY, "out of memory");
	if (rc == DPC_OK) {
		struct entry_info info = describe_recorded(a, &m, NULL);
		rc = store_put(s, &info, (struct slice){bytes.data, bytes.size}, &none, err);
	}
	buf_release(&bytes);
	buf_release(&none);
	recorder_release(&m);
	return rc;
}

static int put_in_store(struct ask *a, const struct recorder *r, const char *file, struct slice capsule,
                        dpc_error *err)
{
	struct store s;
	struct buf old_file = {0};
	struct entry_info info = describe_recorded(a, r, file);
	int rc = store_open(&s, a->home, true, err);
	if (rc == DPC_OK)
		rc = store_batch(&s, true, err);
	if (rc == DPC_OK && has_newer(&s, &r->capsule))
		rc = DPC_MISS;
	if (rc == DPC_OK)
		rc = store_put(&s, &info, file ? (struct slice){NULL, 0} : capsule, &old_file, err);
	if (rc == DPC_OK && ask_is_traced(a))
		rc = put_manifest(&s, a, &r->capsule, err);
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
	struct shelf_item item = {.observed = &a->observed, .traced = &a->traced, .capsule = {bytes.data, bytes.size}, .file = file};
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
	/* The server has its content. */
	if (rc == DPC_OK && file && a->home->place)
		unlinkat(a->home->fd, file, 0);
	buf_release(&bytes);
	return rc;
}

/* `run` is what others could have voided, `r` what is kept of it. */
static int commit(struct ask *a, struct recorder *r, const struct recorder *run, const char *scratch,
                  dpc_error *err)
{
	char name[64];
	struct state now;
	const char *file = NULL;
	int lock = home_lock(a->home, HOME_PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = state_read(&now, a->home->fd, err);
	if (rc == DPC_OK && (was_voided(run) || r->capsule.generation < now.floor))
		rc = DPC_MISS;
	if (rc == DPC_OK && r->spilled && !os_path_names(a->home->fd, scratch, r->fd))
		rc = dpc__fail(err, DPC_E_IO, "%s/%s was removed under us", a->home->path, scratch);
	if (rc == DPC_OK && r->spilled) {
		rc = adopt(name, sizeof name, a->home, &r->capsule.key, scratch, err);
		file = rc == DPC_OK ? name : NULL;
	}
	if (rc == DPC_OK)
		rc = put_everywhere(a, r, scratch, file, err);
	if (rc != DPC_OK && file)
		unlinkat(a->home->fd, file, 0);
	home_unlock(lock);
	return rc;
}

int vault_commit(struct ask *a, struct recorder *r, const char *scratch, dpc_error *err)
{
	struct recorder titled;
	struct scratch own;
	if (!ask_is_traced(a))
		return commit(a, r, r, scratch, err);
	int rc = vault_retitle(&titled, &own, a, r, err);
	if (rc == DPC_OK)
		rc = commit(a, &titled, r, own.name, err);
	scratch_close(&own, a->home, &titled.capsule.key);
	vault_release_title(&titled);
	return rc;
}

int vault_put_value(const struct ask *a, const struct capsule *c, struct slice bytes, struct store *s, dpc_error *err)
{
	struct buf old_file = {0};
	struct slice meta = {bytes.data + CAPSULE_HEAD, (size_t)c->meta_size};
	struct entry_info info = describe(a, c, meta, NULL);
	/* From the shelf first: were we killed in between, the old one would be there still. */
	if (!a->home->mem)
		shelf_remove(a->home, &a->hash);
	int rc = store_put(s, &info, bytes, &old_file, err);
	if (rc == DPC_OK)
		unlink_old(a->home, &old_file);
	buf_release(&old_file);
	return rc;
}

int vault_quarantine(const struct home *h, char *moved, size_t size, dpc_error *err)
{
	int lock = home_lock(h, HOME_PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = store_disown(h, err);
	if (rc == DPC_OK)
		rc = store_engine(h->engine)->quarantine(h, moved, size, err);
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
