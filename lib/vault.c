#include "vault.h"

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

/* A writer needs a millisecond. Whoever removes must get the lock; to keep a
 * result is not worth making its caller and the followers wait for long. */
static const int64_t PATIENCE = INT64_C(10) * 1000000000;
static const int64_t COMMIT_PATIENCE = INT64_C(2) * 1000000000;

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
		int lock = home_lock(a->home, PATIENCE / 100, NULL);
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
	struct digest question;
	int64_t created;
	return store_maybe_has(s->home, &c->key) &&
	       store_look(s, &c->key, &created, &question, NULL) == DPC_OK && created > c->started &&
	       created <= c->created.wall;
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
	int lock = home_lock(a->home, COMMIT_PATIENCE, err);
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

/* --- taking away --- */

/* Whoever comes from now on must not be answered by a run that is at work.
 * false where there is none: a lock that nobody holds was left by a dead one. */
static bool void_run(const struct home *h, const char *name)
{
	char path[NAME_MAX + 8];
	snprintf(path, sizeof path, "locks/%s", name);
	int fd = openat(h->fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	bool at_work = scratch_is_name(name, NULL) || lock_try_exclusive(fd) == 0;
	bool done = capsule_void(fd);
	close(fd);
	return at_work && done;
}

/* Call `each` for the name of every run at work. */
typedef void run_fn(const struct home *h, const char *name, void *context);

static void each_run(const struct home *h, run_fn *each, void *context)
{
	struct dirent *e;
	int fd = openat(h->fd, "locks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			each(h, e->d_name, context);
	if (dir)
		closedir(dir);
}

struct voiding {
	const struct digest *key;
	bool found;
};

static void void_if_key(const struct home *h, const char *name, void *context)
{
	struct voiding *v = context;
	char hex[DIGEST_HEX];
	digest_hex(hex, v->key);
	if (strcmp(name, hex) == 0 || scratch_is_name(name, v->key))
		v->found |= void_run(h, name);
}

static int remove_stored(const struct home *h, struct store *s, const struct digest *key, dpc_error *err)
{
	struct buf old_file = {0};
	struct digest question;
	int64_t created;
	int rc = store_look(s, key, &created, &question, err);
	if (rc != DPC_OK)
		return rc;
	/* From the shelf first: were we killed in between, what only the shelf
	 * holds could never be found and removed again. */
	shelf_remove(h, &question);
	rc = store_remove(s, key, &old_file, err);
	if (rc == DPC_OK)
		unlink_old(h, &old_file);
	buf_release(&old_file);
	return rc;
}

struct condemned_list {
	struct buf keys;
	vault_condemn_fn *condemned;
	void *context;
	uint64_t count, bytes;
};

static int collect(void *context, const struct entry_info *info)
{
	struct condemned_list *l = context;
	if (!l->condemned(l->context, info))
		return DPC_OK;
	buf_put(&l->keys, &info->key, sizeof info->key);
	l->count++;
	l->bytes += info->stored_size;
	return l->keys.failed ? DPC_E_MEMORY : DPC_OK;
}

static int remove_listed(const struct home *h, struct store *s, const struct condemned_list *l,
                         dpc_error *err)
{
	struct digest key;
	int rc = store_batch(s, true, err);
	for (size_t at = 0; at < l->keys.size && rc >= 0; at += sizeof key) {
		memcpy(&key, l->keys.data + at, sizeof key);
		rc = remove_stored(h, s, &key, err);
	}
	int ended = store_batch(s, false, rc < 0 ? NULL : err);
	return rc < 0 ? rc : ended;
}

static bool label_of_run(struct entry_info *info, struct answer *a, const struct home *h, const char *name)
{
	char path[NAME_MAX + 8];
	snprintf(path, sizeof path, "locks/%s", name);
	int fd = openat(h->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool ok = fd >= 0 && answer_describe(a, fd, NULL) == DPC_OK;
	const struct capsule *c = &a->capsule;
	if (ok)
		*info = (struct entry_info){.key = c->key, .label = a->meta.label, .flags = c->flags,
		                            .generation = c->generation};
	if (fd >= 0)
		close(fd);
	return ok;
}

static void void_if_condemned(const struct home *h, const char *name, void *context)
{
	struct condemned_list *l = context;
	struct entry_info info;
	struct answer a = ANSWER_NONE;
	if (label_of_run(&info, &a, h, name) && l->condemned(l->context, &info))
		void_run(h, name);
	answer_release(&a);
}

static int remove_under_lock(const struct home *h, struct condemned_list *l, dpc_error *err)
{
	struct store s;
	int rc = store_open(&s, h, false, err);
	if (rc == DPC_E_NOTFOUND) {
		shelf_clear(h);
		return DPC_OK;
	}
	if (rc != DPC_OK)
		return rc;
	rc = store_each(&s, collect, l, err);
	if (rc == DPC_OK)
		rc = remove_listed(h, &s, l, err);
	store_close(&s);
	return rc;
}

int vault_remove_if(const struct home *h, vault_condemn_fn *condemned, void *context, uint64_t *count,
                    uint64_t *bytes, dpc_error *err)
{
	struct condemned_list l = {.condemned = condemned, .context = context};
	/* Voiding comes first: a run that commits before we get the lock is taken
	 * out again below, one that comes later finds itself voided. */
	each_run(h, void_if_condemned, &l);
	int lock = home_lock(h, PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = remove_under_lock(h, &l, err);
	home_unlock(lock);
	*count += l.count;
	*bytes += l.bytes;
	buf_release(&l.keys);
	return rc;
}

static int remove_one(const struct home *h, const struct digest *key, dpc_error *err)
{
	struct store s;
	int rc = store_open(&s, h, false, err);
	/* A store that is gone leaves nothing worth answering from. */
	if (rc == DPC_E_NOTFOUND) {
		shelf_clear(h);
		return DPC_MISS;
	}
	if (rc != DPC_OK)
		return rc;
	rc = remove_stored(h, &s, key, err);
	store_close(&s);
	return rc;
}

int vault_remove(const struct home *h, const struct digest *key, dpc_error *err)
{
	struct voiding v = {.key = key};
	each_run(h, void_if_key, &v);
	int lock = home_lock(h, PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = remove_one(h, key, err);
	home_unlock(lock);
	return rc == DPC_MISS && v.found ? DPC_OK : rc;
}

int vault_quarantine(const struct home *h, char *moved, size_t size, dpc_error *err)
{
	int lock = home_lock(h, PATIENCE, err);
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

int vault_invalidate_all(struct home *h, dpc_error *err)
{
	int lock = home_lock(h, PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = state_read(&h->state, h->fd, err);
	if (rc == DPC_OK) {
		state_raise_floor(&h->state);
		rc = state_write(&h->state, h->fd, err);
	}
	home_unlock(lock);
	return rc;
}
