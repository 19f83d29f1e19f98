#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void name_list_release(struct name_list *l)
{
	buf_release(&l->strings);
	free(l->offsets);
	*l = (struct name_list){0};
}

const char *name_list_at(const struct name_list *l, size_t i)
{
	return (const char *)l->strings.data + l->offsets[i];
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool skipped(const char *name, const char *pattern)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	return pattern && fnmatch(pattern, name, FNM_PERIOD) != 0;
}

/* Collect matching names, unsorted, as separate strings. */
static int read_names(char ***names, size_t *count, DIR *dir, const char *pattern)
{
	size_t capacity = 0;
	struct dirent *e;
	while ((errno = 0, e = readdir(dir))) {
		if (skipped(e->d_name, pattern))
			continue;
		if (*count == capacity) {
			capacity = capacity ? capacity * 2 : 64;
			char **grown = realloc(*names, capacity * sizeof **names);
			if (!grown)
				return -1;
			*names = grown;
		}
		if (!((*names)[*count] = strdup(e->d_name)))
			return -1;
		++*count;
	}
	return errno ? -1 : 0;
}

static int keep_sorted(struct name_list *l, char **names, size_t count)
{
	if (count)
		qsort(names, count, sizeof *names, by_bytes);
	l->offsets = calloc(count ? count : 1, sizeof *l->offsets);
	if (!l->offsets)
		return -1;
	for (size_t i = 0; i < count; i++) {
		l->offsets[i] = l->strings.size;
		buf_put(&l->strings, names[i], strlen(names[i]) + 1);
	}
	l->count = count;
	return l->strings.failed ? -1 : 0;
}

int tree_list(struct name_list *l, const char *path, const char *pattern, dpc_error *err)
{
	char **names = NULL;
	size_t count = 0;
	int rc = DPC_OK;
	DIR *dir = opendir(path);
	if (!dir)
		return dpc__fail_errno(err, "cannot read directory %s", path);
	if (read_names(&names, &count, dir, pattern) < 0 || keep_sorted(l, names, count) < 0)
		rc = dpc__fail_errno(err, "cannot read directory %s", path);
	closedir(dir);
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return rc;
}

int tree_enter(char path[PATH_MAX], const char *name, dpc_error *err)
{
	size_t n = strlen(path);
	const char *slash = n && path[n - 1] != '/' ? "/" : "";
	int more = snprintf(path + n, PATH_MAX - n, "%s%s", slash, name);
	if (more >= 0 && n + (size_t)more < PATH_MAX)
		return (int)n;
	path[n] = '\0';
	return dpc__fail(err, DPC_E_IO, "path too long: %s%s%s", path, slash, name);
}

/* A directory can lie two thousand deep: one path for the whole walk, not one for
 * each level. */
struct walk {
	tree_listing_fn *listing;
	tree_match_fn *match;
	void *context;
	dpc_error *err;
	char path[PATH_MAX]; /* how far we are; "" is the working directory */
};

static int walk_from(struct walk *w, const char *rest);

static int look_at(struct walk *w, const char *rest, bool listed)
{
	struct stat st;
	/* A missing directory on the way is reported too: its coming into being
	 * would change the answer. */
	if (!*rest || stat(w->path, &st) < 0)
		return w->match(w->context, w->path);
	if (S_ISDIR(st.st_mode))
		return walk_from(w, rest);
	/* So would a file's becoming one. In a directory that was listed, only a
	 * link can do so unseen. "path/" exists for nothing but directories. */
	if (listed && (lstat(w->path, &st) < 0 || !S_ISLNK(st.st_mode)))
		return DPC_OK;
	size_t n = strlen(w->path);
	if (n + 1 >= sizeof w->path)
		return DPC_OK;
	memcpy(w->path + n, "/", 2);
	return w->match(w->context, w->path);
}

static int descend(struct walk *w, const char *name, const char *rest, bool listed)
{
	int before = tree_enter(w->path, name, w->err);
	if (before < 0)
		return before;
	int rc = look_at(w, rest, listed);
	w->path[before] = '\0';
	return rc;
}

/* Resolve the first component of `rest` below w->path, then what follows it. */
static int walk_from(struct walk *w, const char *rest)
{
	char component[NAME_MAX + 1];
	size_t n = strcspn(rest, "/");
	if (n > NAME_MAX)
		return dpc__fail(w->err, DPC_E_USAGE, "name too long in pattern: %s", rest);
	memcpy(component, rest, n);
	component[n] = '\0';
	rest += n;
	while (*rest == '/')
		rest++;
	if (!strpbrk(component, "*?["))
		return descend(w, component, rest, false);
	struct name_list names = {0};
	int rc = w->listing(w->context, &names, *w->path ? w->path : ".", component);
	for (size_t i = 0; rc == DPC_OK && i < names.count; i++)
		rc = descend(w, name_list_at(&names, i), rest, true);
	name_list_release(&names);
	return rc;
}

int tree_glob(const char *pattern, tree_listing_fn *listing, tree_match_fn *match, void *context,
              dpc_error *err)
{
	struct walk w = {.listing = listing, .match = match, .context = context, .err = err};
	if (*pattern == '/')
		strcpy(w.path, "/");
	while (*pattern == '/')
		pattern++;
	return walk_from(&w, pattern);
}
