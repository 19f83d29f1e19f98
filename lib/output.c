#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SMALLEST = 4 + 8 + 8 + 16 + 4 + 2 }; /* bytes of one in the list */

/* --- names --- */

/* What is behind `directory` and a slash; NULL when it does not begin so. */
static const char *behind(const char *path, const char *directory)
{
	size_t n = strlen(directory);
	while (n && directory[n - 1] == '/')
		n--;
	return strncmp(path, directory, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

/* An absolute path may name the directory as the shell does, by PWD. */
static const char *below_cwd(const char *path)
{
	char cwd[PATH_MAX];
	struct stat here, there;
	if (*path != '/')
		return path;
	const char *rest = getcwd(cwd, sizeof cwd) ? behind(path, cwd) : NULL;
	const char *pwd = getenv("PWD");
	if (!rest && pwd && *pwd == '/' && stat(pwd, &there) == 0 && stat(".", &here) == 0 &&
	    here.st_dev == there.st_dev && here.st_ino == there.st_ino)
		rest = behind(path, pwd);
	return rest;
}

static bool is(const char *part, size_t size, const char *what)
{
	return size == strlen(what) && memcmp(part, what, size) == 0;
}

bool output_plain(char out[PATH_MAX], const char *path)
{
	size_t n = 0;
	path = below_cwd(path);
	for (size_t size; path && *path; path += size + (path[size] == '/')) {
		size = strcspn(path, "/");
		if (!size || is(path, size, "."))
			continue;
		if (is(path, size, "..") || n + size + 2 > PATH_MAX)
			return false;
		if (n)
			out[n++] = '/';
		memcpy(out + n, path, size);
		n += size;
	}
	out[n] = '\0';
	return n > 0;
}

int output_check_spec(const char *spec, dpc_error *err)
{
	char plain[PATH_MAX];
	/* "directory/" is nothing that could be kept. */
	if (output_plain(plain, spec) && spec[strlen(spec) - 1] != '/')
		return DPC_OK;
	return dpc__fail(err, DPC_E_USAGE, "--output: '%s' is no file below the working directory", spec);
}

bool output_may_be(const struct stat *st)
{
	return S_ISREG(st->st_mode) && !(st->st_mode & (S_ISUID | S_ISGID | S_ISVTX));
}

void output_staged_name(char out[STAGED_NAME], const struct staged *s)
{
	snprintf(out, STAGED_NAME, ".dpcache-%ld-%08x-%zu", s->pid, s->unique, s->index);
}

bool output_is_staged(struct staged *out, const char *name)
{
	char again[STAGED_NAME];
	if (sscanf(name, ".dpcache-%ld-%8x-%zu", &out->pid, &out->unique, &out->index) != 3)
		return false;
	/* Somebody's own file is left alone, however near its name comes. */
	output_staged_name(again, out);
	return strcmp(again, name) == 0;
}

/* --- the list --- */

void output_put(struct buf *b, const struct output *o)
{
	buf_u32(b, o->mode);
	buf_u64(b, o->at);
	buf_u64(b, o->size);
	buf_put(b, o->sum.bytes, sizeof o->sum.bytes);
	buf_field(b, o->path, strlen(o->path) + 1);
}

/* A sum says that nothing has changed since it was written, not who wrote it: what
 * does not lie below the working directory is never written to. */
static bool is_plain(const char *path)
{
	char plain[PATH_MAX];
	return *path != '/' && output_plain(plain, path) && strcmp(plain, path) == 0;
}

static bool get(struct cursor *c, struct output *o)
{
	o->mode = cursor_u32(c);
	o->at = cursor_u64(c);
	o->size = cursor_u64(c);
	struct slice sum = cursor_take(c, sizeof o->sum.bytes), path = cursor_field(c);
	if (c->bad || !path.size || memchr(path.data, 0, path.size) != path.data + path.size - 1)
		return false;
	memcpy(o->sum.bytes, sum.data, sum.size);
	o->path = (const char *)path.data;
	return o->mode <= 0777 && is_plain(o->path);
}

static bool decode(struct outputs *l, uint64_t contents_size)
{
	struct cursor c = {l->bytes.data, l->bytes.data + l->bytes.size, false};
	size_t count = cursor_u32(&c);
	/* Before room is made for them. */
	if (count > l->bytes.size / SMALLEST)
		return false;
	l->v = calloc(count + 1, sizeof *l->v);
	for (; l->v && l->count < count; l->count++) {
		struct output *o = &l->v[l->count];
		if (!get(&c, o) || o->at > contents_size || o->size > contents_size - o->at)
			return false;
		if (l->count && strcmp(o[-1].path, o->path) >= 0)
			return false;
	}
	return l->v && !c.bad && c.at == c.end;
}

int outputs_load(struct outputs *l, const struct capsule *c, const struct frames *f, dpc_error *err)
{
	struct frames files = capsule_files(c, f);
	uint8_t *to = buf_reserve(&l->bytes, (size_t)c->list_size);
	if (!to)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	int rc = frames_read(to, c->list_size, &files, c->contents_size, err);
	if (rc != DPC_OK)
		return rc;
	l->bytes.size = (size_t)c->list_size;
	if (hash64(l->bytes.data, l->bytes.size) != c->list_sum || !decode(l, c->contents_size))
		return dpc__fail(err, DPC_E_CORRUPT, "capsule's list of outputs is damaged");
	return DPC_OK;
}

int output_check_content(const struct output *o, const struct frames *files, dpc_error *err)
{
	struct digest now;
	int rc = frames_digest(&now, files, o->at, o->size, err);
	if (rc == DPC_OK && memcmp(&now, &o->sum, sizeof now) != 0)
		rc = dpc__fail(err, DPC_E_CORRUPT, "capsule's content of %s is damaged", o->path);
	return rc;
}

int outputs_check(const struct capsule *c, const struct frames *f, dpc_error *err)
{
	struct outputs l = {0};
	struct frames files = capsule_files(c, f);
	int rc = c->flags & CAPSULE_FILES ? outputs_load(&l, c, f, err) : DPC_OK;
	for (size_t i = 0; rc == DPC_OK && i < l.count; i++)
		rc = output_check_content(&l.v[i], &files, err);
	outputs_release(&l);
	return rc;
}

void outputs_release(struct outputs *l)
{
	buf_release(&l->bytes);
	free(l->v);
	*l = (struct outputs){0};
}
