#include "gather.h"

#include "beneath.h"
#include "output.h"
#include "tree.h"
#include "tuple.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- which --- */

int gather_path(struct gather *g, const char *path, dpc_error *err)
{
	char plain[PATH_MAX];
	if (!output_plain(plain, path))
		return dpc__fail(err, DPC_E_DENIED, "%s is no file below the working directory", path);
	buf_put(&g->names, plain, strlen(plain) + 1);
	g->count++;
	return g->names.failed ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : DPC_OK;
}

struct walk {
	struct gather *g;
	dpc_error *err;
};

static int list(void *context, struct name_list *names, const char *dir, const char *pattern)
{
	struct walk *w = context;
	return tree_list(names, dir, pattern, w->err);
}

/* A walk tells of what is not there, too; and of what somebody puts back just now. */
static int match(void *context, const char *path)
{
	struct walk *w = context;
	struct stat st;
	struct staged staged;
	const char *slash = strrchr(path, '/');
	if (lstat(path, &st) < 0 || output_is_staged(&staged, slash ? slash + 1 : path))
		return DPC_OK;
	return gather_path(w->g, path, w->err);
}

int gather_spec(struct gather *g, const char *spec, dpc_error *err)
{
	char plain[PATH_MAX];
	struct stat st;
	struct walk w = {g, err};
	if (!output_plain(plain, spec) || !strpbrk(plain, "*?[") || lstat(plain, &st) == 0)
		return gather_path(g, spec, err);
	return tree_glob(plain, list, match, &w, err);
}

void gather_release(struct gather *g)
{
	buf_release(&g->names);
	g->count = 0;
}

/* --- what is in them --- */

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted; NULL when out of memory. */
static const char **sorted(const struct gather *g)
{
	const char **v = calloc(g->count + 1, sizeof *v);
	const char *name = (const char *)g->names.data;
	for (size_t i = 0; v && i < g->count; i++, name += strlen(name) + 1)
		v[i] = name;
	if (v && g->count)
		qsort(v, g->count, sizeof *v, by_bytes);
	return v;
}

static int not_opened(const char *path, dpc_error *err)
{
	if (errno == ENOENT)
		return dpc__fail(err, DPC_E_NOTFOUND, "output %s is missing", path);
	if (errno == ELOOP || errno == EXDEV || errno == ENOTDIR || errno == ENXIO)
		return dpc__fail(err, DPC_E_DENIED, "output %s is of a kind that is not kept", path);
	return dpc__fail_errno(err, "cannot read output %s", path);
}

/* All of an open file, which nobody may write to meanwhile. */
static int take(struct recorder *r, struct output *o, int fd, dpc_error *err)
{
	struct stat before, after;
	struct tuple first, last;
	if (fstat(fd, &before) < 0)
		return dpc__fail_errno(err, "cannot read output %s", o->path);
	if (!output_may_be(&before))
		return dpc__fail(err, DPC_E_DENIED, "output %s is of a kind that is not kept", o->path);
	o->mode = before.st_mode & 0777;
	o->size = (uint64_t)before.st_size;
	int rc = recorder_take_file(r, fd, o->size, &o->at, err);
	if (rc != DPC_OK)
		return rc;
	if (fstat(fd, &after) < 0)
		return dpc__fail_errno(err, "cannot read output %s", o->path);
	tuple_of(&first, &before, 0);
	tuple_of(&last, &after, 0);
	if (!tuple_same(&first, &last))
		return dpc__fail(err, DPC_E_CONFLICT, "output %s changed while it was read", o->path);
	/* Of what was kept, whatever the file was meanwhile. */
	struct frames frames = recorder_frames(r), files = capsule_files(&r->capsule, &frames);
	return frames_digest(&o->sum, &files, o->at, o->size, err);
}

static int take_named(struct recorder *r, struct beneath *b, struct buf *encoded, const char *path,
                      dpc_error *err)
{
	struct output o = {.path = path};
	const char *name;
	int dir = beneath_parent(b, path, false, &name);
	/* O_NONBLOCK: it may be a fifo. */
	int fd = dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return not_opened(path, err);
	int rc = take(r, &o, fd, err);
	close(fd);
	if (rc == DPC_OK)
		output_put(encoded, &o);
	return rc;
}

static int take_all(struct recorder *r, const char **paths, size_t count, dpc_error *err)
{
	struct beneath b;
	struct buf encoded = {0};
	size_t kept = 0;
	int rc = beneath_open(&b) == 0 ? DPC_OK : dpc__fail_errno(err, "cannot open the working directory");
	for (size_t i = 0; i < count; i++)
		if (!i || strcmp(paths[i], paths[kept - 1]) != 0)
			paths[kept++] = paths[i];
	buf_u32(&encoded, (uint32_t)kept);
	for (size_t i = 0; rc == DPC_OK && i < kept; i++)
		rc = take_named(r, &b, &encoded, paths[i], err);
	if (rc == DPC_OK)
		rc = recorder_list(r, &encoded, err);
	buf_release(&encoded);
	beneath_close(&b);
	return rc;
}

int gather_keep(struct recorder *r, const struct gather *g, dpc_error *err)
{
	const char **paths = sorted(g);
	int rc = paths ? take_all(r, paths, g->count, err) : dpc__fail(err, DPC_E_MEMORY, "out of memory");
	if (rc != DPC_OK)
		recorder_drop_files(r);
	free(paths);
	return rc;
}
