/* Taking away what vault.c keeps, and voiding what is at work. */
#include "vault.h"

#include "backoff.h"
#include "lock.h"
#include "scratch.h"
#include "shelf.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* A traced run's file bears the name of the run; of the question, the key in it. */
static bool is_asked_under(const struct home *h, const char *name, const struct digest *key)
{
	char path[NAME_MAX + 8];
	struct capsule c;
	snprintf(path, sizeof path, "locks/%s", name);
	int fd = openat(h->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool is = fd >= 0 && capsule_read_head(&c, fd, NULL) == DPC_OK && memcmp(&c.key, key, sizeof *key) == 0;
	if (fd >= 0)
		close(fd);
	return is;
}

static void void_if_key(const struct home *h, const char *name, void *context)
{
	struct voiding *v = context;
	char hex[DIGEST_HEX];
	digest_hex(hex, v->key);
	if (strcmp(name, hex) == 0 || scratch_is_name(name, v->key) || is_asked_under(h, name, v->key))
		v->found |= void_run(h, name);
}

/* The files of what is gone from the store for good: names with NUL. Not before:
 * an entry whose file is missing is damaged. */
static void unlink_files(const struct home *h, const struct buf *names)
{
	const char *name = (const char *)names->data, *end = name + names->size;
	for (; name < end; name += strlen(name) + 1)
		unlinkat(h->fd, name, 0);
}

static int remove_stored(const struct home *h, struct store *s, const struct digest *key, struct buf *files,
                         dpc_error *err)
{
	struct entry_info there;
	int rc = store_look(s, key, &there, err);
	/* On a server, a run of it may be at work elsewhere: it is to store nothing. */
	if (rc == DPC_MISS && h->place)
		return store_remove(s, key, files, err);
	if (rc != DPC_OK)
		return rc;
	/* From the shelf first: were we killed in between, what only the shelf
	 * holds could never be found and removed again. */
	shelf_remove(h, &there.question);
	backoff_clear(h, key);
	return store_remove(s, key, files, err);
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
	l->count += !(info->flags & CAPSULE_MANIFEST);
	l->bytes += info->stored_size;
	return l->keys.failed ? DPC_E_MEMORY : DPC_OK;
}

static int remove_listed(const struct home *h, struct store *s, const struct condemned_list *l,
                         dpc_error *err)
{
	struct digest key;
	struct buf files = {0};
	int rc = store_batch(s, true, err);
	for (size_t at = 0; at < l->keys.size && rc >= 0; at += sizeof key) {
		memcpy(&key, l->keys.data + at, sizeof key);
		rc = remove_stored(h, s, &key, &files, err);
	}
	int ended = store_batch(s, false, rc < 0 ? NULL : err);
	if (ended == DPC_OK && !files.failed)
		unlink_files(h, &files);
	buf_release(&files);
	return rc < 0 ? rc : ended;
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
	int lock = home_lock(h, HOME_PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = remove_under_lock(h, &l, err);
	home_unlock(lock);
	*count += l.count;
	*bytes += l.bytes;
	buf_release(&l.keys);
	return rc;
}

struct label_search {
	vault_label_fn *matches;
	void *context;
};

static bool is_of_entry(void *context, const struct entry_info *info)
{
	const struct label_search *l = context;
	return l->matches(l->context, info->label);
}

/* Nothing has begun in an empty file. A head that is being written is whole in a
 * moment, unless its writer has been stopped: then nobody can tell whose run it is,
 * and one run too many is better than an old answer. */
static bool is_of_run(const struct label_search *l, int fd)
{
	enum { TRIES = 100 };
	struct stat st;
	for (int i = 0; i < TRIES; i++) {
		struct answer a = ANSWER_NONE;
		bool readable = answer_describe(&a, fd, NULL) == DPC_OK;
		bool is = readable && l->matches(l->context, a.meta.label);
		answer_release(&a);
		if (readable)
			return is;
		sched_yield();
	}
	return fstat(fd, &st) < 0 || st.st_size > 0;
}

static void void_if_labelled(const struct home *h, const char *name, void *context)
{
	char path[NAME_MAX + 8];
	snprintf(path, sizeof path, "locks/%s", name);
	int fd = openat(h->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (is_of_run(context, fd))
		void_run(h, name);
	close(fd);
}

int vault_invalidate_if(const struct home *h, vault_label_fn *matches, void *context, dpc_error *err)
{
	struct label_search l = {matches, context};
	uint64_t count = 0, bytes = 0;
	/* Voiding comes first: a run that commits before we get the lock is taken
	 * out again below, one that comes later finds itself voided. */
	each_run(h, void_if_labelled, &l);
	return vault_remove_if(h, is_of_entry, &l, &count, &bytes, err);
}

static int remove_one(const struct home *h, const struct digest *key, dpc_error *err)
{
	struct store s;
	struct buf files = {0};
	int rc = store_open(&s, h, false, err);
	/* A store that is gone leaves nothing worth answering from. */
	if (rc == DPC_E_NOTFOUND) {
		shelf_clear(h);
		return DPC_MISS;
	}
	if (rc != DPC_OK)
		return rc;
	rc = remove_stored(h, &s, key, &files, err);
	store_close(&s);
	if (rc == DPC_OK && !files.failed)
		unlink_files(h, &files);
	buf_release(&files);
	return rc;
}

int vault_remove(const struct home *h, const struct digest *key, dpc_error *err)
{
	struct voiding v = {.key = key};
	each_run(h, void_if_key, &v);
	int lock = home_lock(h, HOME_PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = remove_one(h, key, err);
	home_unlock(lock);
	return rc == DPC_MISS && v.found ? DPC_OK : rc;
}

int vault_invalidate_all(struct home *h, dpc_error *err)
{
	return store_invalidate(h, err);
}
