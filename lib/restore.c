#include "restore.h"

#include "beneath.h"
#include "clock.h"
#include "input.h"
#include "os.h"
#include "output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum fate { THERE, WANTED, STAGED };

struct restore {
	struct outputs list;
	struct frames files;
	struct digests *digests;
	struct beneath way;
	enum fate *fates;
	const char *cleared; /* an output in the directory that was cleared last */
	uint32_t unique;
	struct timespec time[2]; /* of all that is put back */
};

static int cannot(const struct output *o, dpc_error *err)
{
	return dpc__fail_errno(err, "cannot put %s back", o->path);
}

/* --- what is there --- */

/* The digest of an open file, if it is the one that was seen as `t`, and stays so. */
static bool read_content(struct digest *now, int fd, const struct tuple *t)
{
	struct stat st;
	struct tuple after;
	if (input_digest_fd(now, fd, NULL) < 0 || fstat(fd, &st) < 0)
		return false;
	tuple_of(&after, &st, 0);
	return tuple_same(t, &after);
}

/* By stat alone where that is known; else by reading it. */
static bool has_content(struct restore *r, const struct output *o, int dir, const char *name,
                        const struct stat *st)
{
	struct tuple t;
	struct digest now;
	tuple_of(&t, st, clock_wall_ns());
	if (!digests_find(r->digests, &t, &now)) {
		int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		bool known = fd >= 0 && read_content(&now, fd, &t);
		if (fd >= 0)
			close(fd);
		if (!known)
			return false;
		digests_note(r->digests, &t, &now);
	}
	return memcmp(&now, &o->sum, sizeof now) == 0;
}

/* A link, or whatever else is there, gives way; a directory does not. */
static int look_at(struct restore *r, size_t i, dpc_error *err)
{
	const struct output *o = &r->list.v[i];
	const char *name;
	struct stat st;
	r->fates[i] = WANTED;
	int dir = beneath_parent(&r->way, o->path, false, &name);
	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? DPC_OK : cannot(o, err);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return cannot(o, err);
	}
	if (S_ISREG(st.st_mode) && (st.st_mode & 07777) == o->mode && (uint64_t)st.st_size == o->size &&
	    has_content(r, o, dir, name, &st))
		r->fates[i] = THERE;
	return DPC_OK;
}

/* --- what is written beside --- */

static void name_staged(char out[STAGED_NAME], const struct restore *r, size_t i)
{
	output_staged_name(out, &(struct staged){.pid = getpid(), .unique = r->unique, .index = i});
}

static bool is_left_behind(const char *name)
{
	struct staged s;
	return output_is_staged(&s, name) && s.pid > 0 && kill((pid_t)s.pid, 0) < 0 && errno == ESRCH;
}

static bool in_one_directory(const char *a, const char *b)
{
	const char *slash = strrchr(a, '/');
	size_t size = slash ? (size_t)(slash + 1 - a) : 0;
	return strncmp(a, b, size) == 0 && !strchr(b + size, '/');
}

/* What somebody staged who was killed over it. */
static void clear_away(int dir)
{
	struct dirent *e;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (e = readdir(d)))
		if (is_left_behind(e->d_name))
			unlinkat(dir, e->d_name, 0);
	if (d)
		closedir(d);
}

static int write_content(const struct restore *r, const struct output *o, int fd)
{
	const struct frames *f = &r->files;
	if (f->memory.data)
		return os_write_all(fd, f->memory.data + o->at, (size_t)o->size);
	int64_t n = os_copy(fd, 0, f->fd, (off_t)(f->offset + o->at), o->size);
	if (n >= 0 && (uint64_t)n < o->size)
		errno = EIO;
	return n == (int64_t)o->size ? 0 : -1;
}

static int stage(struct restore *r, size_t i, dpc_error *err)
{
	const struct output *o = &r->list.v[i];
	char staged[STAGED_NAME];
	const char *name;
	int dir = beneath_parent(&r->way, o->path, true, &name);
	if (dir < 0)
		return cannot(o, err);
	if (!r->cleared || !in_one_directory(r->cleared, o->path))
		clear_away(dir);
	r->cleared = o->path;
	name_staged(staged, r, i);
	int fd = openat(dir, staged, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return cannot(o, err);
	r->fates[i] = STAGED;
	bool done =
	    write_content(r, o, fd) == 0 && fchmod(fd, (mode_t)o->mode) == 0 && futimens(fd, r->time) == 0;
	int rc = done ? DPC_OK : cannot(o, err);
	if (close(fd) < 0 && rc == DPC_OK)
		rc = cannot(o, err);
	return rc;
}

static int take_place(struct restore *r, size_t i, dpc_error *err)
{
	const struct output *o = &r->list.v[i];
	char staged[STAGED_NAME];
	const char *name;
	int dir = beneath_parent(&r->way, o->path, false, &name);
	name_staged(staged, r, i);
	if (dir < 0 || renameat(dir, staged, dir, name) < 0)
		return cannot(o, err);
	r->fates[i] = THERE;
	return DPC_OK;
}

static void unstage(struct restore *r, size_t i)
{
	char staged[STAGED_NAME];
	const char *name;
	int dir = beneath_parent(&r->way, r->list.v[i].path, false, &name);
	name_staged(staged, r, i);
	if (dir >= 0)
		unlinkat(dir, staged, 0);
}

/* --- all of it --- */

typedef int step_fn(struct restore *r, size_t i, dpc_error *err);

static int check(struct restore *r, size_t i, dpc_error *err)
{
	return output_check_content(&r->list.v[i], &r->files, err);
}

/* Nothing is written before all that is to be written is known to be sound, and no
 * output replaced before all are ready. */
static int restore_all(struct restore *r, dpc_error *err)
{
	static step_fn *const steps[] = {look_at, check, stage, take_place};
	static const enum fate wanting[] = {THERE, WANTED, WANTED, STAGED};
	int rc = DPC_OK;
	for (int s = 0; s < 4; s++)
		for (size_t i = 0; rc == DPC_OK && i < r->list.count; i++)
			if (r->fates[i] == wanting[s])
				rc = steps[s](r, i, err);
	for (size_t i = 0; rc != DPC_OK && i < r->list.count; i++)
		if (r->fates[i] == STAGED)
			unstage(r, i);
	return rc;
}

/* One for all: to make, what is newer than what was made of it is to be made again. And
 * by the clock of the file systems, which no change that comes later falls behind. */
static void take_time(struct restore *r)
{
	clock_gettime(CLOCK_REALTIME_COARSE, &r->time[0]);
	r->time[1] = r->time[0];
}

int restore_outputs(const struct capsule *c, const struct frames *f, struct digests *d, dpc_error *err)
{
	struct restore r = {.files = capsule_files(c, f), .digests = d};
	int rc = outputs_load(&r.list, c, f, err);
	if (rc != DPC_OK)
		goto out;
	r.fates = calloc(r.list.count + 1, sizeof *r.fates);
	if (!r.fates || beneath_open(&r.way) < 0) {
		rc = dpc__fail_errno(err, "cannot put outputs back");
		goto out;
	}
	take_time(&r);
	if (os_random(&r.unique, sizeof r.unique) < 0)
		rc = dpc__fail_errno(err, "cannot get random bytes");
	else
		rc = restore_all(&r, err);
	beneath_close(&r.way);
out:
	outputs_release(&r.list);
	free(r.fates);
	return rc;
}
