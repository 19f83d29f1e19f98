#include "home.h"

#include "clock.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char WRITE_LOCK[] = "write.lock";

static const char *nonempty_env(const char *name)
{
	const char *v = getenv(name);
	return v && *v ? v : NULL;
}

static int join_path(char out[PATH_MAX], dpc_error *err, const char *a, const char *b)
{
	size_t n = strlen(a), more = strlen(b);
	if (n + more >= PATH_MAX)
		return dpc__fail(err, DPC_E_HOME, "the cache directory's path is too long; set DPCACHE_DIR");
	memmove(out, a, n);
	memcpy(out + n, b, more + 1);
	n += more;
	/* With a slash behind it, open would follow a symbolic link. */
	while (n > 1 && out[n - 1] == '/')
		out[--n] = '\0';
	return DPC_OK;
}

static int default_path(struct home *h, const char *(*account_home)(void), dpc_error *err)
{
	const char *name = engine_names[h->engine].directory;
	const char *dir = nonempty_env("DPCACHE_DIR");
	if (dir)
		return join_path(h->path, err, dir, "");
	/* The XDG rules: a relative path is invalid and ignored. */
	dir = nonempty_env("XDG_CACHE_HOME");
	if (dir && *dir == '/')
		return join_path(h->path, err, dir, name);
	dir = nonempty_env("HOME");
	if (!dir && account_home)
		dir = account_home();
	if (!dir)
		return dpc__fail(err, DPC_E_HOME,
		                 "no home directory for the cache; set DPCACHE_DIR or HOME");
	int rc = join_path(h->path, err, dir, "/.cache");
	return rc == DPC_OK ? join_path(h->path, err, h->path, name) : rc;
}

/* Each server has a home of its own: what is hot of one is nothing to another. */
static int remote_path(struct home *h, const char *(*account_home)(void), dpc_error *err)
{
	char which[24];
	int rc = default_path(h, account_home, err);
	if (rc != DPC_OK || nonempty_env("DPCACHE_DIR"))
		return rc;
	snprintf(which, sizeof which, "-%016llx", (unsigned long long)h->place);
	return join_path(h->path, err, h->path, which);
}

static int locate_remote(struct home *h, const char *rest, const char *(*account_home)(void), dpc_error *err)
{
	int rc = net_parse(&h->net, h->far, rest, err);
	if (rc != DPC_OK)
		return rc;
	h->place = net_place(&h->net, h->far);
	return *h->path ? DPC_OK : remote_path(h, account_home, err);
}

static int refuse_tier(dpc_error *err)
{
	return dpc__fail(err, DPC_E_USAGE,
	                 "the store's URL tier:… is not a store in a file, a comma, and one on a server (such as "
	                 "tier:sqlite:,redis://HOST)");
}

/* "NEAR:[DIRECTORY],FAR://…". The directory is the home. */
static int locate_tier(struct home *h, const char *rest, const char *(*account_home)(void), dpc_error *err)
{
	static const int64_t MINUTE = INT64_C(60) * 1000000000;
	char directory[PATH_MAX];
	const char *comma = strchr(rest, ','), *near, *far;
	h->near = engine_of_url(rest, &near);
	h->far = comma ? engine_of_url(comma + 1, &far) : ENGINE_COUNT;
	if (!comma || h->near == ENGINE_COUNT || h->far == ENGINE_COUNT || !engine_names[h->near].file ||
	    !engine_names[h->far].remote || h->far == ENGINE_TIER || near > comma || comma - near >= PATH_MAX)
		return refuse_tier(err);
	snprintf(directory, sizeof directory, "%.*s", (int)(comma - near), near);
	int rc = *directory ? join_path(h->path, err, directory, "") : DPC_OK;
	if (rc == DPC_OK)
		rc = locate_remote(h, far, account_home, err);
	if (rc == DPC_OK && !h->net.l1_ttl_given)
		h->net.l1_ttl = MINUTE;
	return rc;
}

/* Only the scheme of it is told: what follows may hold a password. */
static int refuse_url(const char *url, dpc_error *err)
{
	return dpc__fail(err, DPC_E_USAGE, "unknown store '%.*s' (known: " ENGINE_URLS ")",
	                 (int)(strcspn(url, ":") + (strchr(url, ':') != NULL)), url);
}

int home_locate(struct home *h, const char *url, const char *(*account_home)(void), dpc_error *err)
{
	const char *rest = "";
	h->fd = -1;
	h->place = 0;
	h->mem = NULL;
	h->notice[0] = h->path[0] = '\0';
	if (!url)
		url = nonempty_env("DPCACHE_STORE");
	h->engine = url ? engine_of_url(url, &rest) : ENGINE_SQLITE;
	if (h->engine == ENGINE_COUNT || (engine_names[h->engine].fleeting && *rest))
		return refuse_url(url, err);
	h->near = h->far = h->engine;
	if (engine_names[h->engine].fleeting)
		return DPC_OK;
	if (h->engine == ENGINE_TIER)
		return locate_tier(h, rest, account_home, err);
	if (engine_names[h->engine].remote)
		return locate_remote(h, rest, account_home, err);
	return *rest ? join_path(h->path, err, rest, "") : default_path(h, account_home, err);
}

/* O_NOFOLLOW reports a symbolic link as "not a directory"; say which it is. */
static int explain_open_failure(const char *path, dpc_error *err)
{
	int saved = errno;
	struct stat st;
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return dpc__fail(err, DPC_E_HOME,
		                 "cache directory %s is a symbolic link; set DPCACHE_DIR to where it leads",
		                 path);
	int code = saved == ENOENT ? DPC_E_NOTFOUND : DPC_E_HOME;
	return dpc__fail(err, code, "cannot open cache directory %s: %s", path, strerror(saved));
}

static int check_directory(const struct home *h, dpc_error *err)
{
	struct stat st;
	if (fstat(h->fd, &st) < 0)
		return dpc__fail_errno(err, "cannot stat %s", h->path);
	if (st.st_uid != geteuid())
		return dpc__fail(err, DPC_E_HOME,
		                 "cache directory %s belongs to uid %u, not to you (%u); set DPCACHE_DIR", h->path,
		                 (unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_mode & 022)
		return dpc__fail(err, DPC_E_HOME,
		                 "cache directory %s can be written by others; run: chmod 700 %s", h->path, h->path);
	return DPC_OK;
}

int home_check_locks(const struct home *h, dpc_error *err)
{
	const char *remote = os_remote_fs_name(h->fd);
	if (!remote)
		return DPC_OK;
	return dpc__fail(err, DPC_E_HOME,
	                 "cache directory %s is on %s, where locks cannot be relied on; set DPCACHE_DIR to a "
	                 "local disk",
	                 h->path, remote);
}

static int open_directory(struct home *h, dpc_error *err)
{
	if (engine_names[h->engine].fleeting)
		return dpc__fail(err, DPC_E_NOTFOUND, "nothing is remembered in %s:", engine_names[h->engine].scheme);
	/* Not open(): musl follows that with a system call for O_CLOEXEC. */
	h->fd = openat(AT_FDCWD, h->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (h->fd < 0)
		return explain_open_failure(h->path, err);
	return check_directory(h, err);
}

/* One engine's entries do not show in another's: two truths in one home would
 * each be half of it. */
static int refuse_engine(const struct home *h, enum engine holds, dpc_error *err)
{
	if (h->place || engine_names[holds].remote)
		return dpc__fail(err, DPC_E_HOME, "%s: is the home of %s cache; set DPCACHE_DIR to another", h->path,
		                 engine_names[holds].title);
	return dpc__fail(err, DPC_E_HOME, "%s:%s: holds %s cache; use %s:%s", engine_names[h->engine].scheme, h->path,
	                 engine_names[holds].title, engine_names[holds].scheme, h->path);
}

static int read_state(struct home *h, dpc_error *err)
{
	int rc = state_read(&h->state, h->fd, err);
	if (rc != DPC_OK || (h->state.engine == h->engine && h->state.place == h->place))
		return rc;
	if (h->state.engine != h->engine)
		return refuse_engine(h, h->state.engine, err);
	return dpc__fail(err, DPC_E_HOME, "cache directory %s belongs to another store or namespace; set DPCACHE_DIR", h->path);
}

int home_open(struct home *h, dpc_error *err)
{
	int rc = open_directory(h, err);
	if (rc == DPC_OK)
		rc = read_state(h, err);
	if (rc != DPC_OK)
		home_close(h);
	return rc;
}

static int make_parents(const char *path, dpc_error *err)
{
	char part[PATH_MAX];
	snprintf(part, sizeof part, "%s", path);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return dpc__fail_errno(err, "cannot create %s", part);
		*p = '/';
	}
	if (mkdir(part, 0700) < 0 && errno != EEXIST)
		return dpc__fail_errno(err, "cannot create cache directory %s", part);
	return DPC_OK;
}

static void write_tag(const struct home *h)
{
	static const char text[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
	                           "# This directory holds results remembered by dpcache(1).\n";
	int fd = openat(h->fd, "CACHEDIR.TAG", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	/* Only a courtesy to backup programs: a full disk will be met, and told,
	 * by whatever matters. */
	(void)!write(fd, text, sizeof text - 1);
	close(fd);
}

/* Where the state is lost, the files say whose home it is. */
static int check_files(const struct home *h, dpc_error *err)
{
	for (enum engine e = 0; e < ENGINE_COUNT; e++) {
		const char *file = engine_names[e].file;
		if (e != h->engine && e != h->near && file && faccessat(h->fd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return refuse_engine(h, e, err);
	}
	return DPC_OK;
}

/* The state file is missing or damaged: look again under the lock, for
 * another process may be mending it too. */
static int settle_state(struct home *h, dpc_error *err)
{
	int lock = home_lock(h, HOME_PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = read_state(h, NULL);
	if (rc == DPC_E_NOTFOUND || rc == DPC_E_CORRUPT) {
		if (rc == DPC_E_CORRUPT)
			snprintf(h->notice, sizeof h->notice,
			         "the cache's state file was damaged; everything remembered so far is forgotten");
		rc = check_files(h, err);
		if (rc == DPC_OK)
			rc = state_init(&h->state, h->engine, h->place, err);
		if (rc == DPC_OK)
			rc = state_write(&h->state, h->fd, err);
		if (rc == DPC_OK)
			write_tag(h);
	} else if (rc != DPC_OK) {
		rc = read_state(h, err);
	}
	home_unlock(lock);
	return rc;
}

int home_create(struct home *h, dpc_error *err)
{
	if (engine_names[h->engine].fleeting)
		return dpc__fail(err, DPC_MISS, "the store %s: keeps nothing%s", engine_names[h->engine].scheme,
		                 h->engine == ENGINE_MEM ? " from one process to the next" : "");
	int rc = open_directory(h, err);
	if (rc == DPC_E_NOTFOUND) {
		rc = make_parents(h->path, err);
		if (rc == DPC_OK)
			rc = open_directory(h, err);
	}
	if (rc == DPC_OK)
		rc = home_check_locks(h, err);
	if (rc != DPC_OK)
		goto out;
	h->fd = os_raise_fd(h->fd);
	if (h->fd < 0) {
		rc = dpc__fail_errno(err, "cannot keep cache directory %s open", h->path);
		goto out;
	}
	rc = read_state(h, err);
	if (rc == DPC_E_NOTFOUND || rc == DPC_E_CORRUPT)
		rc = settle_state(h, err);
	if (rc != DPC_OK && rc != DPC_E_HOME)
		rc = dpc__context(err, rc, "cache directory %s", h->path);
out:
	if (rc != DPC_OK)
		home_close(h);
	return rc;
}

void home_close(struct home *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
}

/* flock has no time-out of its own, and a library may not use signals. A holder
 * needs a millisecond, so a short wait is looked at often; a long one means that
 * a thousand wait, who would need all the time there is for asking. */
static void nap_for(int64_t ns)
{
	static const int64_t SHORTEST = 100000, LONGEST = 50000000;
	ns = ns < SHORTEST ? SHORTEST : ns > LONGEST ? LONGEST : ns;
	struct timespec nap = {0, (long)ns};
	nanosleep(&nap, NULL);
}

int home_lock(const struct home *h, int64_t timeout, dpc_error *err)
{
	int fd = os_openat_high(h->fd, WRITE_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (fd < 0)
		return dpc__fail_errno(err, "cannot open %s/%s", h->path, WRITE_LOCK);
	int64_t start = clock_mono_ns();
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			int rc = dpc__fail_errno(err, "cannot lock %s/%s", h->path, WRITE_LOCK);
			close(fd);
			return rc;
		}
		int64_t waited = clock_mono_ns() - start;
		if (waited > timeout) {
			close(fd);
			return dpc__fail(err, DPC_E_BUSY, "%s/%s is held by another process", h->path, WRITE_LOCK);
		}
		nap_for(waited / 4);
	}
	return fd;
}

void home_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}

int home_mkdir(const struct home *h, const char *name)
{
	return mkdirat(h->fd, name, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

int home_open_file(const struct home *h, const char *name, int flags)
{
	int fd = os_openat_high(h->fd, name, flags | O_NOFOLLOW, 0600);
	if (fd >= 0 || errno != ENOENT || !(flags & O_CREAT))
		return fd;
	char part[PATH_MAX];
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		memcpy(part, name, (size_t)(slash - name));
		part[slash - name] = '\0';
		if (home_mkdir(h, part) < 0)
			return -1;
	}
	return os_openat_high(h->fd, name, flags | O_NOFOLLOW, 0600);
}
