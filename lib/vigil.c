#include "vigil.h"

#include "fact.h"
#include "os.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
	DIRECTORIES = 256, /* watched, and … */
	NAMES = 8192,      /* names in them: it is to be a few milliseconds' work */
	EVENTS = IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW
};

/* --- before --- */

/* What is still to be looked at: directories, each with NUL. */
struct survey {
	struct buf pending;
	size_t left; /* of NAMES */
};

static void put_below(struct buf *b, const char *path, const char *name)
{
	if (strlen(path) + strlen(name) + 2 > PATH_MAX)
		return;
	buf_put(b, path, strlen(path));
	buf_put(b, "/", 1);
	buf_put(b, name, strlen(name) + 1);
}

/* Can all of its names be afforded? Then the directories among them are next. */
static bool survey(struct survey *s, DIR *dir, const char *path)
{
	struct dirent *e;
	while ((e = readdir(dir))) {
		if (!s->left)
			return false;
		s->left--;
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			put_below(&s->pending, path, e->d_name);
	}
	return !s->pending.failed;
}

/* The watch first: what changes while it is being listed shows, too. */
static void watch_over(struct vigil *v, struct survey *s, const char *path)
{
	const struct looker nobody = {0};
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return;
	if (!os_remote_fs_name(fd) && survey(s, dir, path) &&
	    inotify_add_watch(v->fd, path, EVENTS) == (int)v->before.count + 1)
		fact_add(&v->before, &nobody, OBSERVED_LISTING, path, NULL);
	closedir(dir);
}

void vigil_begin(struct vigil *v)
{
	char path[PATH_MAX];
	struct survey s = {.left = NAMES};
	*v = VIGIL_NONE;
	if (!getcwd(path, sizeof path) || strcmp(path, "/") == 0)
		return;
	v->fd = os_raise_fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
	if (v->fd < 0)
		return;
	watch_over(v, &s, path);
	for (size_t at = 0; at < s.pending.size && v->before.count < DIRECTORIES; at += strlen(path) + 1) {
		strcpy(path, (const char *)s.pending.data + at);
		watch_over(v, &s, path);
	}
	buf_release(&s.pending);
	v->disturbed = calloc(v->before.count + 1, sizeof *v->disturbed);
}

/* --- after --- */

static void disturb_all(struct vigil *v)
{
	for (size_t i = 0; i < v->before.count; i++)
		v->disturbed[i] = true;
}

static void take(struct vigil *v, const struct inotify_event *e, const char *name, vigil_own_fn *is_own,
                 void *context)
{
	char path[PATH_MAX + NAME_MAX + 2], *end;
	if (e->mask & IN_Q_OVERFLOW)
		disturb_all(v);
	if (e->wd < 1 || (size_t)e->wd > v->before.count)
		return;
	size_t i = (size_t)e->wd - 1;
	end = stpcpy(path, observation_path(&v->before, i));
	*end++ = '/';
	strcpy(end, name);
	/* With no name it is of the directory itself: that is gone, or elsewhere. */
	v->disturbed[i] |= !e->len || !is_own(context, path);
}

void vigil_end(struct vigil *v, vigil_own_fn *is_own, void *context)
{
	alignas(struct inotify_event) char events[4096];
	ssize_t n;
	while (v->disturbed && (n = read(v->fd, events, sizeof events)) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const struct inotify_event *)(events + at);
			take(v, e, e->name, is_own, context);
			at += (ssize_t)(sizeof *e + e->len);
		}
}

const struct digest *vigil_names(const struct vigil *v, const char *path)
{
	for (size_t i = 0; v->disturbed && i < v->before.count; i++)
		if (!v->disturbed[i] && strcmp(observation_path(&v->before, i), path) == 0)
			return &v->before.v[i].digest;
	return NULL;
}

void vigil_release(struct vigil *v)
{
	observations_release(&v->before);
	free(v->disturbed);
	if (v->fd >= 0)
		close(v->fd);
	*v = VIGIL_NONE;
}
