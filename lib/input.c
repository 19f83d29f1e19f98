#include "input.h"

#include "clock.h"
#include "os.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *observation_kind_name(enum observation_kind kind)
{
	switch (kind) {
	case OBSERVED_FILE:
		return "file";
	case OBSERVED_EXE:
		return "executable";
	case OBSERVED_ABSENT:
		return "absent";
	case OBSERVED_DIR:
		return "directory";
	case OBSERVED_GLOB:
		return "matches in directory";
	case OBSERVED_LINK:
		return "link";
	case OBSERVED_OTHER:
		return "special file";
	case OBSERVED_NO_NAME:
		return "absent name";
	case OBSERVED_DENIED:
		return "not to be looked at";
	case OBSERVED_LISTING:
		return "directory";
	case OBSERVED_STAT:
	case OBSERVED_LSTAT:
		return "metadata";
	case OBSERVED_PLACE:
	case OBSERVED_LPLACE:
		return "presence";
	case OBSERVED_VARIABLE:
		return "variable";
	case OBSERVED_NAMES:
		return "names of variables";
	}
	return "unknown";
}

struct observation *observations_add(struct observations *o, enum observation_kind kind, const char *path)
{
	if (o->count == o->capacity) {
		size_t want = o->capacity ? o->capacity * 2 : 8;
		struct observation *grown = realloc(o->v, want * sizeof *grown);
		if (!grown) {
			o->failed = true;
			return NULL;
		}
		o->v = grown;
		o->capacity = want;
	}
	struct observation *n = &o->v[o->count];
	*n = (struct observation){.kind = kind, .path = o->strings.size};
	buf_put(&o->strings, path, strlen(path) + 1);
	if (o->strings.failed) {
		o->failed = true;
		return NULL;
	}
	o->count++;
	return n;
}

void observations_release(struct observations *o)
{
	free(o->v);
	buf_release(&o->strings);
	*o = (struct observations){0};
}

const char *observation_path(const struct observations *o, size_t i)
{
	return (const char *)o->strings.data + o->v[i].path;
}

static int out_of_memory(dpc_error *err)
{
	return dpc__fail(err, DPC_E_MEMORY, "out of memory");
}

int input_digest_fd(struct digest *out, int fd, uint64_t *size)
{
	char chunk[65536];
	struct hasher state;
	hasher_init(&state);
	off_t at = 0;
	ssize_t n;
	while ((n = os_pread_full(fd, chunk, sizeof chunk, at)) > 0) {
		hasher_update(&state, chunk, (size_t)n);
		at += n;
	}
	if (n < 0)
		return -1;
	*out = hasher_sum128(&state);
	if (size)
		*size = (uint64_t)at;
	return 0;
}

/* Read the file, noting the tuple under which it was read. A file that
 * changes meanwhile gets a tuple that is never trusted. */
static int read_content(struct observation *o, const char *path, dpc_error *err)
{
	struct stat before, after;
	int rc = DPC_OK;
	/* O_NONBLOCK: the file may have become a fifo since it was looked at. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return dpc__fail_errno(err, "cannot read input %s", path);
	int64_t seen = clock_wall_ns();
	if (fstat(fd, &before) < 0 || input_digest_fd(&o->digest, fd, NULL) < 0 || fstat(fd, &after) < 0) {
		rc = dpc__fail_errno(err, "cannot read input %s", path);
		goto out;
	}
	struct tuple last;
	tuple_of(&o->tuple, &before, seen);
	tuple_of(&last, &after, seen);
	if (!tuple_same(&o->tuple, &last))
		o->tuple.seen = 0;
out:
	close(fd);
	return rc;
}

bool input_is_pseudo(const char *path)
{
	static const char *const roots[] = {"/proc", "/sys"};
	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
		size_t n = strlen(roots[i]);
		if (strncmp(path, roots[i], n) == 0 && (!path[n] || path[n] == '/'))
			return true;
	}
	return false;
}

/* Read each time. */
static int observe_pseudo(struct observation *o, const char *path, dpc_error *err)
{
	int rc = read_content(o, path, err);
	o->tuple.seen = 0;
	return rc;
}

int observe_file(struct observation *o, struct digests *d, const char *path, const struct stat *st,
                 dpc_error *err)
{
	if (input_is_pseudo(path))
		return observe_pseudo(o, path, err);
	tuple_of(&o->tuple, st, clock_wall_ns());
	if (!tuple_racy(&o->tuple) && digests_find(d, &o->tuple, &o->digest)) {
		/* Known content need not be readable now, but then the command could
		 * not read it either. */
		if (o->kind == OBSERVED_EXE || access(path, R_OK) == 0)
			return DPC_OK;
	}
	int rc = read_content(o, path, err);
	if (rc == DPC_OK)
		digests_note(d, &o->tuple, &o->digest);
	return rc;
}

int observe_exe(struct observations *o, struct digests *d, const char *path, dpc_error *err)
{
	struct stat st;
	struct observation *n = observations_add(o, OBSERVED_EXE, path);
	if (!n)
		return out_of_memory(err);
	if (stat(path, &st) < 0)
		return dpc__fail_errno(err, "cannot stat %s", path);
	/* Some programs may be run but not read; then their stat tuple has to
	 * stand for the content. */
	if (observe_file(n, d, path, &st, NULL) == DPC_OK)
		return DPC_OK;
	tuple_of(&n->tuple, &st, clock_wall_ns());
	struct buf b = {0};
	tuple_put(&b, &n->tuple);
	if (b.failed)
		return out_of_memory(err);
	n->digest = hash128(b.data, b.size - sizeof n->tuple.seen);
	buf_release(&b);
	return DPC_OK;
}

int observe_link(struct observation *o, const char *path, const struct stat *st, dpc_error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof target);
	if (n < 0)
		return dpc__fail_errno(err, "cannot read link %s", path);
	tuple_of(&o->tuple, st, clock_wall_ns());
	o->digest = hash128(target, (size_t)n);
	return DPC_OK;
}

static int observe_found(struct observations *o, struct digests *d, const char *path,
                         const struct stat *st, dpc_error *err);

/* The names in `path` that match (all where pattern is NULL) into an observation of
 * that; `names` is the caller's to release. */
static int read_names(struct observation *n, struct name_list *names, const char *path, const char *pattern,
                      dpc_error *err)
{
	struct stat st;
	int64_t seen = clock_wall_ns();
	/* stat before the listing: what changes in between shows in the tuple. */
	if (stat(path, &st) < 0)
		return dpc__fail_errno(err, "cannot read directory %s", path);
	tuple_of(&n->tuple, &st, input_is_pseudo(path) ? 0 : seen);
	int rc = tree_list(names, path, pattern, err);
	if (rc == DPC_OK)
		n->digest = hash128(names->strings.data, names->strings.size);
	return rc;
}

int observe_listing(struct observation *o, const char *path, struct name_list *names, dpc_error *err)
{
	struct name_list own = {0};
	int rc = read_names(o, names ? names : &own, path, NULL, err);
	name_list_release(&own);
	return rc;
}

static int observe_names(struct observations *o, struct name_list *names, const char *path,
                         const char *pattern, dpc_error *err)
{
	struct observation *n = observations_add(o, pattern ? OBSERVED_GLOB : OBSERVED_DIR, path);
	return n ? read_names(n, names, path, pattern, err) : out_of_memory(err);
}

static int observe_below(struct observations *o, struct digests *d, char path[PATH_MAX], dpc_error *err);

static int observe_child(struct observations *o, struct digests *d, char path[PATH_MAX], const char *name,
                         dpc_error *err)
{
	struct stat st;
	int before = tree_enter(path, name, err), rc;
	if (before < 0)
		return before;
	if (lstat(path, &st) < 0)
		rc = dpc__fail_errno(err, "cannot stat input %s", path);
	else if (S_ISDIR(st.st_mode))
		rc = observe_below(o, d, path, err);
	else
		rc = observe_found(o, d, path, &st, err);
	path[before] = '\0';
	return rc;
}

/* The same path for all levels, which can be two thousand. */
static int observe_below(struct observations *o, struct digests *d, char path[PATH_MAX], dpc_error *err)
{
	struct name_list names = {0};
	int rc = observe_names(o, &names, path, NULL, err);
	for (size_t i = 0; rc == DPC_OK && i < names.count; i++)
		rc = observe_child(o, d, path, name_list_at(&names, i), err);
	name_list_release(&names);
	return rc;
}

static int observe_tree(struct observations *o, struct digests *d, const char *path, dpc_error *err)
{
	char below[PATH_MAX] = "";
	int rc = tree_enter(below, path, err);
	return rc < 0 ? rc : observe_below(o, d, below, err);
}

static int observe_found(struct observations *o, struct digests *d, const char *path,
                         const struct stat *st, dpc_error *err)
{
	if (S_ISDIR(st->st_mode))
		return observe_tree(o, d, path, err);
	enum observation_kind kind = S_ISREG(st->st_mode)   ? OBSERVED_FILE
	                             : S_ISLNK(st->st_mode) ? OBSERVED_LINK
	                                                    : OBSERVED_OTHER;
	struct observation *n = observations_add(o, kind, path);
	if (!n)
		return out_of_memory(err);
	if (kind == OBSERVED_FILE)
		return observe_file(n, d, path, st, err);
	if (kind == OBSERVED_LINK)
		return observe_link(n, path, st, err);
	/* A device or pipe: only that it is one, which its path in the key and
	 * this kind say. No times: those of a terminal move as it is written. */
	return DPC_OK;
}

static int observe_absent(struct observations *o, const char *path, dpc_error *err)
{
	return observations_add(o, OBSERVED_ABSENT, path) ? DPC_OK : out_of_memory(err);
}

/* A context for the walk of one glob. */
struct glob_walk {
	struct observations *o;
	struct digests *d;
	dpc_error *err;
};

static int glob_listing(void *context, struct name_list *names, const char *dir, const char *pattern)
{
	struct glob_walk *w = context;
	return observe_names(w->o, names, dir, pattern, w->err);
}

static int glob_match(void *context, const char *path)
{
	struct glob_walk *w = context;
	struct stat st;
	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR
		           ? observe_absent(w->o, path, w->err)
		           : dpc__fail_errno(w->err, "cannot stat input %s", path);
	return observe_found(w->o, w->d, path, &st, w->err);
}

int observe_input(struct observations *o, struct digests *d, const char *spec, dpc_error *err)
{
	struct stat st;
	if (stat(spec, &st) == 0)
		return observe_found(o, d, spec, &st, err);
	if (errno != ENOENT && errno != ENOTDIR)
		return dpc__fail_errno(err, "cannot read input %s", spec);
	if (!strpbrk(spec, "*?["))
		return observe_absent(o, spec, err);
	struct glob_walk w = {o, d, err};
	return tree_glob(spec, glob_listing, glob_match, &w, err);
}

void observations_put(struct buf *b, const struct observations *o)
{
	buf_u32(b, (uint32_t)o->count);
	for (size_t i = 0; i < o->count; i++) {
		const char *path = observation_path(o, i);
		buf_u8(b, (uint8_t)o->v[i].kind);
		/* The NUL goes along, so that a reader can hand the path to stat. */
		buf_field(b, path, strlen(path) + 1);
		buf_put(b, o->v[i].digest.bytes, sizeof o->v[i].digest.bytes);
	}
	b->failed |= o->failed;
}

void stored_observation_get(struct cursor *c, struct stored_observation *o)
{
	o->kind = (enum observation_kind)cursor_u8(c);
	o->path = cursor_field(c);
	struct slice digest = cursor_take(c, sizeof o->digest.bytes);
	if (!digest.data || !o->path.size || o->path.data[o->path.size - 1]) {
		c->bad = true;
		return;
	}
	o->path.size--;
	memcpy(o->digest.bytes, digest.data, digest.size);
}
