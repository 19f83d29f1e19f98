/* See lmdb_env.h. */
#include "lmdb_env.h"

#include "clock.h"
#include "os.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { READERS = 1024 };

/* Beyond what is there; the file itself grows with what is put. */
#define HEADROOM ((size_t)64 << 20)
#define PATIENCE_NS (INT64_C(500) * 1000000)

struct lmdb_env {
	MDB_env *env;
	MDB_dbi table;
	int gate;                  /* locked, shared; -1: nobody else knows of us */
	unsigned users;
	uint64_t process;          /* that opened it */
	dev_t device;
	ino_t inode;
	pthread_rwlock_t at_work;  /* shared by transactions, for the map must not move under them */
	struct lmdb_env *next;
	char path[PATH_MAX];
};

/* Those that are shared. */
static struct lmdb_env *environments;
static pthread_mutex_t environments_lock = PTHREAD_MUTEX_INITIALIZER;

int lmdb_failed(const char *path, int rc, dpc_error *err)
{
	int code = DPC_E_IO;
	switch (rc) {
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_PANIC:
	case MDB_INCOMPATIBLE:
	case MDB_CURSOR_FULL:
		return dpc__fail(err, DPC_E_CORRUPT, "%s is damaged (%s); run: dpcache doctor --fix", path,
		                 mdb_strerror(rc));
	case MDB_VERSION_MISMATCH:
		return dpc__fail(err, DPC_E_VERSION, "%s was made by another LMDB; upgrade, or set DPCACHE_DIR", path);
	case MDB_MAP_RESIZED:
	case MDB_READERS_FULL:
	case EAGAIN:
	case EBUSY:
		code = DPC_E_BUSY;
		break;
	case ENOMEM:
		code = DPC_E_MEMORY;
		break;
	}
	return dpc__fail(err, code, "%s: %s", path, mdb_strerror(rc));
}

/* --- who has it open --- */

static int open_gate(const struct home *h, dpc_error *err)
{
	int fd = os_openat_high(h->fd, ".", O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 ? dpc__fail_errno(err, "cannot open %s", h->path) : fd;
}

/* Whoever replaces the file needs a moment; whoever reads it, too. */
static int pass_gate(int fd, int operation, const struct home *h, dpc_error *err)
{
	static const struct timespec nap = {0, 1000000};
	int64_t start = clock_mono_ns();
	while (flock(fd, operation | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return dpc__fail_errno(err, "cannot lock %s", h->path);
		if (clock_mono_ns() - start > PATIENCE_NS)
			return dpc__fail(err, DPC_E_BUSY, "%s is in use by another process", h->path);
		nanosleep(&nap, NULL);
	}
	return DPC_OK;
}

int lmdb_keep_out(const struct home *h, dpc_error *err)
{
	int fd = open_gate(h, err);
	int rc = fd < 0 ? fd : pass_gate(fd, LOCK_EX, h, err);
	if (rc == DPC_OK)
		return fd;
	lmdb_let_in(fd);
	return rc;
}

void lmdb_let_in(int gate)
{
	/* A child that was forked meanwhile has the descriptor, too. */
	if (gate >= 0) {
		flock(gate, LOCK_UN);
		close(gate);
	}
}

/* --- opening --- */

static size_t round_up(size_t size)
{
	static const size_t STEP = (size_t)1 << 20;
	return (size + STEP - 1) / STEP * STEP;
}

/* Twice, for a removal copies what it changes. */
static size_t map_size(size_t used, size_t room)
{
	return round_up(2 * used + 2 * room + HEADROOM);
}

static int open_table(struct lmdb_env *e)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(e->env, NULL, MDB_RDONLY, &txn);
	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &e->table);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

static void end_env(struct lmdb_env *e)
{
	if (e->env)
		mdb_env_close(e->env);
	lmdb_let_in(e->gate);
	pthread_rwlock_destroy(&e->at_work);
	free(e);
}

/* The table of readers, which LMDB makes with holes in it and maps: on a full disk,
 * who first writes into one would be killed. Not while it is open: closing it here
 * would drop our locks on it. */
static int fill_lock_file(const struct home *h, const char *name)
{
	enum { SIZE = READERS * 64 + 4096 };
	struct stat st;
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s-lock", name);
	if (fstatat(h->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size >= SIZE && st.st_blocks * 512 >= SIZE)
		return 0;
	int fd = openat(h->fd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 || fallocate(fd, 0, 0, SIZE) < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return rc == EOPNOTSUPP || rc == EROFS ? 0 : rc;
}

static int open_file(struct lmdb_env *e, size_t used, unsigned flags)
{
	int rc = mdb_env_create(&e->env);
	if (rc != 0)
		return rc;
	mdb_env_set_mapsize(e->env, map_size(used, 0));
	mdb_env_set_maxreaders(e->env, READERS);
	rc = mdb_env_open(e->env, e->path, MDB_NOSUBDIR | MDB_NOTLS | MDB_NOMETASYNC | flags, 0600);
	mdb_filehandle_t fd;
	if (rc == 0 && mdb_env_get_fd(e->env, &fd) == 0)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (rc != 0) {
		mdb_env_close(e->env);
		e->env = NULL;
	}
	return rc;
}

static int begin_env(struct lmdb_env **out, const struct home *h, const char *name, bool look, dpc_error *err)
{
	struct stat st;
	struct lmdb_env *e = calloc(1, sizeof *e);
	*out = NULL;
	if (!e)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	e->gate = -1;
	e->users = 1;
	e->process = process_number();
	pthread_rwlock_init(&e->at_work, NULL);
	int result = DPC_OK, rc = 0;
	if (!look) {
		e->gate = open_gate(h, err);
		result = e->gate < 0 ? e->gate : pass_gate(e->gate, LOCK_SH, h, err);
	}
	snprintf(e->path, sizeof e->path, "%.4000s/%s", h->path, name);
	/* Or else LMDB would make one. */
	if (result == DPC_OK && fstatat(h->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		result = errno == ENOENT ? dpc__fail(err, DPC_E_NOTFOUND, "nothing is remembered yet")
		                         : dpc__fail_errno(err, "cannot open %s", e->path);
	if (result == DPC_OK) {
		e->device = st.st_dev;
		e->inode = st.st_ino;
		rc = look ? 0 : fill_lock_file(h, name);
		if (rc == 0)
			rc = open_file(e, (size_t)st.st_size, look ? MDB_RDONLY | MDB_NOLOCK : 0);
		/* Where nothing can be written nobody else writes. */
		if (rc == EROFS)
			rc = open_file(e, (size_t)st.st_size, MDB_RDONLY | MDB_NOLOCK);
		if (rc == 0)
			rc = open_table(e);
		if (rc != 0)
			result = lmdb_failed(e->path, rc, err);
	}
	if (result != DPC_OK)
		end_env(e);
	else
		*out = e;
	return result;
}

bool lmdb_env_is_parents(const struct lmdb_env *e)
{
	return e->process != process_number();
}

bool lmdb_env_is_at(const struct lmdb_env *e, const struct home *h, const char *name)
{
	struct stat st;
	return fstatat(h->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && e->device == st.st_dev && e->inode == st.st_ino;
}

/* The one that is open already, or NULL. */
static struct lmdb_env *find_env(const struct home *h, const char *name)
{
	struct stat st;
	if (!environments || fstatat(h->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return NULL;
	struct lmdb_env *e = environments;
	while (e && (e->device != st.st_dev || e->inode != st.st_ino || lmdb_env_is_parents(e)))
		e = e->next;
	return e;
}

int lmdb_env_open(struct lmdb_env **out, const struct home *h, const char *name, enum store_access access,
                  dpc_error *err)
{
	int rc = DPC_OK;
	/* It takes no locks, and so has none to lose. */
	if (access == STORE_LOOK)
		return begin_env(out, h, name, true, err);
	pthread_mutex_lock(&environments_lock);
	struct lmdb_env *e = find_env(h, name);
	if (e) {
		e->users++;
	} else {
		rc = begin_env(&e, h, name, false, err);
		if (e) {
			e->next = environments;
			environments = e;
		}
	}
	/* Who else in here has it only reads, too, or has the write lock. */
	if (e && access == STORE_KEPT) {
		lmdb_let_in(e->gate);
		e->gate = -1;
	}
	pthread_mutex_unlock(&environments_lock);
	*out = e;
	return rc;
}

void lmdb_env_close(struct lmdb_env *e)
{
	if (!e || lmdb_env_is_parents(e))
		return;
	pthread_mutex_lock(&environments_lock);
	if (--e->users == 0) {
		struct lmdb_env **at = &environments;
		while (*at && *at != e)
			at = &(*at)->next;
		if (*at)
			*at = e->next;
		end_env(e);
	}
	pthread_mutex_unlock(&environments_lock);
}

MDB_env *lmdb_env_of(struct lmdb_env *e)
{
	return e->env;
}

const char *lmdb_env_path(const struct lmdb_env *e)
{
	return e->path;
}

/* --- transactions --- */

/* Nobody may be at work meanwhile, who in our own thread would never end. */
static int resize(struct lmdb_env *e, size_t size)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	int64_t ns = until.tv_nsec + PATIENCE_NS;
	until.tv_sec += ns / 1000000000;
	until.tv_nsec = ns % 1000000000;
	if (pthread_rwlock_timedwrlock(&e->at_work, &until) != 0)
		return EBUSY;
	int rc = mdb_env_set_mapsize(e->env, size);
	pthread_rwlock_unlock(&e->at_work);
	return rc;
}

/* Some other process has made it larger: how large it has to be here. By the file's own size,
 * for LMDB would believe any number in it, and be left without a map where that is damaged.
 * 0: it is. */
static size_t grown_size(struct lmdb_env *e)
{
	struct stat st;
	MDB_envinfo info;
	MDB_stat stat;
	mdb_filehandle_t fd;
	if (mdb_env_get_fd(e->env, &fd) != 0 || fstat(fd, &st) < 0 || mdb_env_info(e->env, &info) != 0 ||
	    mdb_env_stat(e->env, &stat) != 0)
		return 0;
	size_t size = map_size((size_t)st.st_size, 0);
	return info.me_last_pgno < size / stat.ms_psize ? size : 0;
}

/* What kept a transaction from beginning, put right. */
static bool mend(struct lmdb_env *e, int rc)
{
	int dead = 0;
	if (rc == MDB_MAP_RESIZED) {
		size_t size = grown_size(e);
		return size && resize(e, size) == 0;
	}
	return rc == MDB_READERS_FULL && mdb_reader_check(e->env, &dead) == 0 && dead;
}

void lmdb_reader_release(struct lmdb_reader *r)
{
	if (r->txn)
		mdb_txn_abort(r->txn);
	if (r->map)
		munmap((void *)r->map, r->pages * r->page_size);
	*r = (struct lmdb_reader){0};
}

static int begin_txn(struct lmdb_work *w, unsigned flags)
{
	if (!w->reader || !w->reader->txn)
		return mdb_txn_begin(w->env->env, NULL, flags, &w->txn);
	w->txn = w->reader->txn;
	return mdb_txn_renew(w->txn);
}

static int begin(struct lmdb_work *w, struct lmdb_env *e, unsigned flags, struct lmdb_reader *reader, dpc_error *err)
{
	if (!e)
		return dpc__fail(err, DPC_E_IO, "the store is closed");
	*w = (struct lmdb_work){.env = e, .table = e->table, .reader = reader, .writes = !(flags & MDB_RDONLY)};
	for (int tries = 0;; tries++) {
		pthread_rwlock_rdlock(&e->at_work);
		int rc = begin_txn(w, flags);
		if (rc == 0)
			return DPC_OK;
		w->txn = NULL;
		pthread_rwlock_unlock(&e->at_work);
		if (tries == 2 || !mend(e, rc))
			return lmdb_failed(e->path, rc, err);
	}
}

int lmdb_read(struct lmdb_work *w, struct lmdb_env *e, struct lmdb_reader *reader, dpc_error *err)
{
	return begin(w, e, MDB_RDONLY, reader, err);
}

/* What is being put may not fit: then the map grows first, while nothing is begun. */
static void make_room(struct lmdb_env *e, size_t room)
{
	MDB_envinfo info;
	MDB_stat stat;
	mdb_env_info(e->env, &info);
	mdb_env_stat(e->env, &stat);
	size_t used = (info.me_last_pgno + 1) * stat.ms_psize;
	if (info.me_mapsize < map_size(used, room) - HEADROOM / 2)
		resize(e, map_size(used, room));
}

int lmdb_write(struct lmdb_work *w, struct lmdb_env *e, size_t room, dpc_error *err)
{
	int dead;
	if (!e)
		return begin(w, e, 0, NULL, err);
	/* A reader that was killed would keep what it read from being freed for ever. */
	mdb_reader_check(e->env, &dead);
	make_room(e, room);
	return begin(w, e, 0, NULL, err);
}

int lmdb_end(struct lmdb_work *w, int result, dpc_error *err)
{
	if (!w->txn)
		return result;
	if (w->reader && !w->writes) {
		mdb_txn_reset(w->txn);
		w->reader->txn = w->txn;
	} else if (result < 0) {
		mdb_txn_abort(w->txn);
	} else {
		int rc = mdb_txn_commit(w->txn);
		if (rc != 0)
			result = lmdb_failed(w->env->path, rc, err);
	}
	w->txn = NULL;
	pthread_rwlock_unlock(&w->env->at_work);
	return result;
}
