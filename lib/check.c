#include "check.h"

#include "backoff.h"
#include "lock.h"
#include "os.h"
#include "shelf.h"
#include "vault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void tell(struct check *c, enum finding_level level, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void tell(struct check *c, enum finding_level level, const char *what, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	c->broken += level == FINDING_BROKEN;
	c->report(c->context, &(struct finding){level, what, text});
}

/* Found wrong; `mended` says whether it has been put right. */
static void tell_broken(struct check *c, bool mended, const char *what, const char *text)
{
	tell(c, mended ? FINDING_FIXED : FINDING_BROKEN, what, "%s", text);
}

/* --- the directory and its state --- */

static void check_mode(struct check *c, const char *path)
{
	struct stat st;
	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return;
	if ((st.st_mode & 0777) == 0700)
		return;
	bool mended = c->fix && chmod(path, 0700) == 0;
	char text[96];
	snprintf(text, sizeof text, "mode is %04o, not 0700", (unsigned)(st.st_mode & 07777));
	tell_broken(c, mended, "directory", text);
}

static int check_home(struct check *c, struct home *h, dpc_error *err)
{
	const char *path = h->path;
	struct stat st;
	if (lstat(path, &st) < 0 && errno == ENOENT) {
		tell(c, FINDING_NOTE, "directory", "%s does not exist; nothing is remembered yet", path);
		return DPC_MISS;
	}
	check_mode(c, path);
	int rc = home_open(h, err);
	if (rc == DPC_E_CORRUPT || rc == DPC_E_NOTFOUND) {
		int mended = c->fix ? home_create(h, err) : rc;
		tell_broken(c, mended == DPC_OK, "state",
		            rc == DPC_E_CORRUPT ? "the state file is damaged" : "the state file is missing");
		rc = mended;
		if (rc != DPC_OK)
			return DPC_MISS;
	} else if (rc != DPC_OK) {
		tell(c, FINDING_BROKEN, "directory", "%s", err->message);
		return DPC_MISS;
	}
	tell(c, FINDING_OK, "directory", "%s", path);
	return DPC_OK;
}

/* --- the store and every entry in it --- */

/* SQLite before 3.51.3 (3.44.6 and 3.50.7 have it backported) can corrupt a
 * WAL database when two connections write and checkpoint at one instant. */
static bool has_wal_reset_bug(const char *version)
{
	int major = 0, minor = 0, patch = 0;
	if (sscanf(version, "%d.%d.%d", &major, &minor, &patch) < 2 || major != 3)
		return false;
	if (minor == 44)
		return patch < 6;
	if (minor == 50)
		return patch < 7;
	return minor < 51 || (minor == 51 && patch < 3);
}

static void check_engine(struct check *c, enum engine e)
{
	const struct store_ops *ops;
	dpc_error err = {0};
	int rc = store_find_engine(&ops, e, &err);
	if (rc == DPC_OK)
		tell(c, FINDING_OK, "library", "%s %s%s", ops->name, ops->version(),
		     e == ENGINE_SQLITE && has_wal_reset_bug(ops->version())
		         ? " (has the WAL-reset bug; dpcache's write lock keeps clear of it)"
		         : "");
	else if (rc == DPC_E_USAGE)
		tell(c, FINDING_NOTE, "library", "%s is not built in", engine_names[e].scheme);
	else
		tell(c, FINDING_BROKEN, "library", "%s", err.message);
}

/* Those that share an object are one library. */
static void check_engines(struct check *c)
{
	const char *last = NULL;
	for (enum engine e = 0; e < ENGINE_COUNT; e++) {
		const char *object = engine_names[e].object;
		if (!engine_names[e].fleeting && e != ENGINE_TIER && !(object && last && strcmp(object, last) == 0))
			check_engine(c, e);
		last = object;
	}
}

static void set_aside(struct check *c, const struct home *h, const char *why)
{
	char moved[64], text[700];
	dpc_error err = {0};
	bool mended = c->fix && vault_quarantine(h, moved, sizeof moved, &err) == DPC_OK;
	if (mended)
		snprintf(text, sizeof text, "%s; moved aside as %s", why, moved);
	else
		snprintf(text, sizeof text, "%s", why);
	tell_broken(c, mended, "store", text);
}

struct entry_list {
	struct buf keys;  /* of all entries */
	struct buf files; /* their files' names, each ending in NUL */
};

static void entry_list_release(struct entry_list *l)
{
	buf_release(&l->keys);
	buf_release(&l->files);
}

static int list_entry(void *context, const struct entry_info *e)
{
	struct entry_list *l = context;
	buf_put(&l->keys, &e->key, sizeof e->key);
	if (e->file)
		buf_put(&l->files, e->file, strlen(e->file) + 1);
	return l->keys.failed || l->files.failed ? DPC_E_MEMORY : DPC_OK;
}

static void check_entry(struct check *c, const struct home *h, struct store *s, const struct digest *key,
                        size_t *broken)
{
	struct answer a = ANSWER_NONE;
	dpc_error err = {0};
	char hex[DIGEST_HEX], text[600];
	int rc = vault_load(&a, h, s, key, &err);
	/* Once more: it may have been replaced while we looked. */
	if (rc < 0) {
		answer_release(&a);
		rc = vault_load(&a, h, s, key, &err);
	}
	if (rc < 0) {
		/* What only could not be read just now may be sound. */
		bool lost = rc == DPC_E_CORRUPT || rc == DPC_E_NOTFOUND;
		digest_hex(hex, key);
		snprintf(text, sizeof text, "%s: %s", hex, err.message);
		tell_broken(c, lost && c->fix && vault_remove(h, key, NULL) >= 0, "entry", text);
		++*broken;
	}
	answer_release(&a);
}

/* Of these, those that are there now. What was pruned since they were listed may
 * well be gone from the filter. */
static size_t still_hidden(const struct home *h, struct store *s, const struct entry_list *l)
{
	struct digest key;
	struct entry_info there;
	size_t hidden = 0;
	for (size_t at = 0; at < l->keys.size; at += sizeof key) {
		memcpy(&key, l->keys.data + at, sizeof key);
		hidden += !store_maybe_has(h, &key) && store_look(s, &key, &there, NULL) == DPC_OK;
	}
	return hidden;
}

static void check_filter(struct check *c, const struct home *h, struct store *s, const struct entry_list *l)
{
	char text[96];
	int lock = home_lock(h, HOME_PATIENCE, NULL);
	size_t hidden = still_hidden(h, s, l);
	bool mended = hidden && c->fix && lock >= 0 && store_refilter(s, NULL) == DPC_OK;
	home_unlock(lock);
	if (!hidden)
		return;
	snprintf(text, sizeof text, "%zu entries would not be looked for", hidden);
	tell_broken(c, mended, "filter", text);
}

static void check_entries(struct check *c, const struct home *h, struct store *s,
                          const struct entry_list *l)
{
	struct digest key;
	size_t broken = 0, hidden = 0;
	for (size_t at = 0; at < l->keys.size; at += sizeof key) {
		memcpy(&key, l->keys.data + at, sizeof key);
		check_entry(c, h, s, &key, &broken);
		hidden += !store_maybe_has(h, &key);
	}
	if (hidden)
		check_filter(c, h, s, l);
	if (!broken)
		tell(c, FINDING_OK, "entries", "%zu, all intact", l->keys.size / sizeof key);
}

static void check_store(struct check *c, const struct home *h)
{
	struct store s;
	struct entry_list l = {{0}, {0}};
	dpc_error err = {0};
	int rc = store_open(&s, h, false, &err);
	if (rc == DPC_E_NOTFOUND) {
		tell(c, FINDING_NOTE, "store", "nothing is remembered yet");
		return;
	}
	if (rc == DPC_OK && (rc = store_check(&s, &err)) == DPC_OK)
		rc = store_each(&s, list_entry, &l, &err);
	if (rc == DPC_OK || rc == DPC_E_USAGE)
		tell(c, FINDING_OK, "store", "sound");
	if (rc == DPC_OK)
		check_entries(c, h, &s, &l);
	if (rc == DPC_E_USAGE) {
		tell(c, FINDING_NOTE, "entries", "not looked at: %s", err.message);
		rc = DPC_OK;
	}
	store_close(&s);
	if (rc == DPC_E_CORRUPT)
		set_aside(c, h, err.message);
	else if (rc != DPC_OK)
		tell(c, FINDING_BROKEN, "store", "%s", err.message);
	entry_list_release(&l);
}

/* --- what lies about --- */

typedef void walk_fn(struct check *c, const struct home *h, const char *path, void *context);

/* Call `each` for the files in a directory below the home, and one level
 * further down. */
static void walk(struct check *c, const struct home *h, const char *name, walk_fn *each, void *context)
{
	struct dirent *e;
	int fd = openat(h->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (e = readdir(dir))) {
		char path[600];
		struct stat st;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", name, e->d_name);
		if (fstatat(h->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			walk(c, h, path, each, context);
		else
			each(c, h, path, context);
	}
	if (dir)
		closedir(dir);
}

static bool is_listed(const struct buf *files, const char *path)
{
	for (size_t at = 0; at < files->size; at += strlen((const char *)files->data + at) + 1)
		if (strcmp((const char *)files->data + at, path) == 0)
			return true;
	return false;
}

static void check_data_file(struct check *c, const struct home *h, const char *path, void *context)
{
	char text[700];
	if (is_listed(context, path))
		return;
	bool mended = c->fix && unlinkat(h->fd, path, 0) == 0;
	snprintf(text, sizeof text, "%s belongs to no entry", path);
	tell_broken(c, mended, "orphan", text);
}

/* By rule 2 of lock.h descriptor and path are compared: the path may be the next
 * leader's by now. A lock that nobody holds is what a killed leader left; a scratch file (its
 * name begins with a dot and its writer's pid) what a killed writer left. */
static void check_lock_file(struct check *c, const struct home *h, const char *path, void *context)
{
	char text[700];
	const char *name = strrchr(path, '/') + 1;
	(void)context;
	int fd = openat(h->fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	bool dead = *name == '.' ? kill(atoi(name + 1), 0) < 0 && errno == ESRCH
	                         : lock_try_exclusive(fd) == 1 && os_path_names(h->fd, path, fd);
	if (dead) {
		bool mended = c->fix && unlinkat(h->fd, path, 0) == 0;
		snprintf(text, sizeof text, "%s was left by a run that was killed", path);
		tell_broken(c, mended, "orphan", text);
	}
	close(fd);
}

static bool variants_are_intact(const struct home *h, const char *path)
{
	struct shelf s = {0};
	struct shelf_variant v;
	bool intact = shelf_load_file(&s, h, path) == DPC_OK;
	while (intact && shelf_next(&s, &v))
		;
	intact &= !s.damaged;
	shelf_release(&s);
	return intact;
}

static void check_shelf_file(struct check *c, const struct home *h, const char *path, void *context)
{
	char text[700];
	(void)context;
	/* A note of failures that is damaged counts as none: nobody need be told. */
	if (backoff_is_name(path)) {
		if (c->fix && !backoff_is_intact(h, path))
			unlinkat(h->fd, path, 0);
		return;
	}
	bool unfinished = strrchr(path, '/')[1] == '.';
	if (!unfinished && variants_are_intact(h, path))
		return;
	bool mended = c->fix && unlinkat(h->fd, path, 0) == 0;
	snprintf(text, sizeof text, "%s %s", path, unfinished ? "was left by a writer that was killed" : "is damaged");
	tell_broken(c, mended, unfinished ? "orphan" : "shelf", text);
}

static void check_data(struct check *c, const struct home *h)
{
	struct store s;
	struct entry_list l = {{0}, {0}};
	int rc = store_open(&s, h, false, NULL);
	/* What a server has lies in no file of ours. */
	if (rc == DPC_OK && !h->place)
		rc = store_each(&s, list_entry, &l, NULL);
	/* Without the list every file would look like an orphan. */
	if (rc == DPC_OK || rc == DPC_E_NOTFOUND)
		walk(c, h, "data", check_data_file, &l.files);
	store_close(&s);
	entry_list_release(&l);
}

int check_cache(struct check *c, struct home *h, dpc_error *err)
{
	c->broken = 0;
	check_engines(c);
	if (engine_names[h->engine].fleeting) {
		tell(c, FINDING_NOTE, "store", "%s: keeps nothing", engine_names[h->engine].scheme);
		return DPC_OK;
	}
	int rc = check_home(c, h, err);
	if (rc != DPC_OK)
		return rc == DPC_MISS ? DPC_OK : rc;
	check_store(c, h);
	/* While it is held, nothing is half-way to the shelf, or between data/ and the store. */
	int lock = home_lock(h, HOME_PATIENCE, err);
	if (lock < 0) {
		rc = lock;
	} else {
		check_data(c, h);
		walk(c, h, "locks", check_lock_file, NULL);
		walk(c, h, "shelf", check_shelf_file, NULL);
		home_unlock(lock);
	}
	home_close(h);
	return rc;
}
