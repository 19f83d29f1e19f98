/* See gdbm_file.h. */
#include "gdbm_file.h"

#include "clock.h"
#include "err.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char DB[] = "cache.gdbm", SPARE[] = "cache.gdbm.spare", LOG[] = "cache.gdbm.log";

/* --- which it is --- */

static int read_generation(uint64_t *out, const struct gdbm_db *db, dpc_error *err)
{
	struct gdbm_value value;
	struct record_key key = record_key(RECORD_GENERATION, NULL);
	int rc = gdbm_db_find(&value, db, &key, err);
	if (rc != DPC_OK)
		return rc == DPC_MISS ? gdbm_db_damaged(db, err) : rc;
	struct cursor c = {value.bytes.data, value.bytes.data + value.bytes.size, false};
	*out = cursor_u64(&c);
	free(value.memory);
	return c.bad ? gdbm_db_damaged(db, err) : DPC_OK;
}

static int store(const struct gdbm_db *db, const struct record_key *key, const struct buf *head, struct slice tail,
                 struct gdbm_log *log, dpc_error *err)
{
	struct buf sealed = {0};
	gdbm_db_seal(&sealed, key, head, tail);
	struct slice bytes = {sealed.data, sealed.size};
	int rc = sealed.failed ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : gdbm_db_store(db, key, bytes, err);
	if (rc == DPC_OK && log)
		gdbm_log_store(log, key, bytes);
	buf_release(&sealed);
	return rc;
}

static int write_generation(const struct gdbm_db *db, uint64_t generation, dpc_error *err)
{
	struct buf b = {0};
	struct record_key key = record_key(RECORD_GENERATION, NULL);
	buf_u64(&b, generation);
	int rc = store(db, &key, &b, (struct slice){NULL, 0}, NULL, err);
	buf_release(&b);
	return rc;
}

static int check_stamp(const struct gdbm_db *db, dpc_error *err)
{
	struct gdbm_value value;
	struct record_key key = record_key(RECORD_VERSION, NULL);
	int rc = gdbm_db_find(&value, db, &key, err);
	if (rc >= 0)
		rc = record_check_stamp(value.bytes, db->path, err);
	free(value.memory);
	return rc;
}

static int write_stamp(const struct gdbm_db *db, dpc_error *err)
{
	char text[RECORD_STAMP];
	struct buf none = {0};
	struct record_key key = record_key(RECORD_VERSION, NULL);
	return store(db, &key, &none, record_stamp(text), NULL, err);
}

/* --- reading --- */

/* DPC_MISS: it has lost its name meanwhile. */
static int lock_shared(const struct gdbm_store *s, int fd, dpc_error *err)
{
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return os_path_names(s->home->fd, DB, fd) ? DPC_OK : DPC_MISS;
	return errno == EWOULDBLOCK || errno == EINTR ? DPC_MISS : dpc__fail_errno(err, "cannot lock %s", s->path);
}

static int open_named(struct gdbm_store *s, dpc_error *err)
{
	int fd = os_openat_high(s->home->fd, DB, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0 && errno == ENOENT)
		return dpc__fail(err, DPC_E_NOTFOUND, "nothing is remembered yet");
	if (fd < 0)
		return dpc__fail_errno(err, "cannot open %s", s->path);
	int rc = lock_shared(s, fd, err);
	if (rc != DPC_OK) {
		close(fd);
		return rc;
	}
	rc = gdbm_db_open(&s->read, fd, s->path, false, err);
	if (rc == DPC_OK && (rc = check_stamp(&s->read, err)) != DPC_OK)
		gdbm_db_close(&s->read, NULL);
	return rc;
}

/* Each time another one has the name somebody has finished his work: that is no
 * reason to wait. */
static int open_truth(struct gdbm_store *s, dpc_error *err)
{
	int rc = DPC_MISS;
	for (int tries = 0; tries < 1000 && rc == DPC_MISS; tries++)
		rc = open_named(s, err);
	return rc == DPC_MISS ? dpc__fail(err, DPC_E_BUSY, "%s is in use by another process", s->path) : rc;
}

int gdbm_file_look(const struct gdbm_db **db, struct gdbm_store *s, dpc_error *err)
{
	*db = s->write.file ? &s->write : &s->read;
	if (s->write.file || (s->read.file && os_path_names(s->home->fd, DB, gdbm_fdesc(s->read.file))))
		return DPC_OK;
	gdbm_db_close(&s->read, NULL);
	return open_truth(s, err);
}

/* --- the other file --- */

/* Empty, for nobody else to read. */
static int make_spare(const struct home *h)
{
	static const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
	int fd = os_openat_high(h->fd, SPARE, flags, 0600);
	if (fd >= 0 || errno != EEXIST)
		return fd;
	unlinkat(h->fd, SPARE, 0);
	return os_openat_high(h->fd, SPARE, flags, 0600);
}

/* The one that is there. DPC_MISS or an error: it will not do. */
static int open_spare(struct gdbm_store *s, uint64_t truth)
{
	uint64_t its_own = 0;
	int fd = os_openat_high(s->home->fd, SPARE, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0)
		return DPC_MISS;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return DPC_MISS;
	}
	int rc = gdbm_db_open(&s->write, fd, s->path, true, NULL);
	if (rc == DPC_OK)
		rc = read_generation(&its_own, &s->write, NULL);
	return rc == DPC_OK && its_own + 1 != truth ? DPC_MISS : rc;
}

static int copy_spare(struct gdbm_store *s, dpc_error *err)
{
	struct stat st;
	int from = gdbm_fdesc(s->read.file), fd = make_spare(s->home);
	if (fd < 0)
		return dpc__fail_errno(err, "cannot create %s/%s", s->home->path, SPARE);
	int rc = DPC_OK;
	if (fstat(from, &st) < 0 || os_copy(fd, 0, from, 0, (uint64_t)st.st_size) != st.st_size) {
		rc = dpc__fail_errno(err, "cannot write %s/%s", s->home->path, SPARE);
		close(fd);
	} else {
		rc = gdbm_db_open(&s->write, fd, s->path, true, err);
	}
	if (rc != DPC_OK)
		unlinkat(s->home->fd, SPARE, 0);
	return rc;
}

/* The spare, now with all that is in the truth. */
static int begin_writing(struct gdbm_store *s, dpc_error *err)
{
	struct buf changes = {0};
	const struct gdbm_db *db;
	uint64_t truth = 0;
	int rc = gdbm_file_look(&db, s, err);
	if (rc == DPC_OK)
		rc = read_generation(&truth, db, err);
	if (rc != DPC_OK)
		return rc;
	rc = gdbm_log_take(&changes, s->home, truth) ? open_spare(s, truth) : DPC_MISS;
	if (rc == DPC_OK)
		rc = gdbm_log_apply(&changes, &s->write, NULL);
	buf_release(&changes);
	if (rc != DPC_OK) {
		gdbm_db_close(&s->write, NULL);
		rc = copy_spare(s, err);
	}
	s->generation = truth + 1;
	return rc;
}

static void forget_writing(struct gdbm_store *s)
{
	if (s->write.file) {
		gdbm_db_close(&s->write, NULL);
		unlinkat(s->home->fd, SPARE, 0);
	}
	gdbm_log_release(&s->log);
	s->broken = false;
}

int gdbm_file_change(struct gdbm_store *s, const struct record_key *key, const struct buf *head, struct slice tail,
                     dpc_error *err)
{
	int rc = s->write.file ? DPC_OK : begin_writing(s, err);
	if (rc == DPC_OK && head)
		rc = store(&s->write, key, head, tail, &s->log, err);
	else if (rc == DPC_OK && (rc = gdbm_db_delete(&s->write, key, err)) == DPC_OK)
		gdbm_log_delete(&s->log, key);
	s->broken |= rc < 0;
	return rc;
}

/* Where two names cannot change places there is no spare afterwards. */
static int publish(const struct gdbm_store *s, bool *exchanged, dpc_error *err)
{
	int fd = s->home->fd;
	*exchanged = renameat2(fd, SPARE, fd, DB, RENAME_EXCHANGE) == 0;
	return *exchanged || renameat(fd, SPARE, fd, DB) == 0
	           ? DPC_OK
	           : dpc__fail_errno(err, "cannot rename %s/%s", s->home->path, SPARE);
}

static int commit(struct gdbm_store *s, dpc_error *err)
{
	bool exchanged = false;
	int rc = write_generation(&s->write, s->generation, err);
	int closed = gdbm_db_close(&s->write, rc == DPC_OK ? err : NULL);
	rc = rc == DPC_OK ? closed : rc;
	if (rc == DPC_OK)
		rc = publish(s, &exchanged, err);
	if (exchanged)
		gdbm_log_write(&s->log, s->home, s->generation);
	else
		unlinkat(s->home->fd, SPARE, 0);
	/* Or else we were in the next writer's way. */
	gdbm_db_close(&s->read, NULL);
	return rc;
}

int gdbm_file_end(struct gdbm_store *s, int result, dpc_error *err)
{
	if (s->broken && result >= 0)
		result = dpc__fail(err, DPC_E_IO, "%s: nothing was changed, for some of it could not be", s->path);
	if (s->write.file && result >= 0) {
		int rc = commit(s, err);
		result = rc == DPC_OK ? result : rc;
	}
	forget_writing(s);
	return result;
}

/* --- opening --- */

static void discard_spare(const struct home *h)
{
	unlinkat(h->fd, LOG, 0);
	unlinkat(h->fd, SPARE, 0);
}

/* Made under the other's name. What is in `from`, where that is not NULL, comes along. */
static int make_database(struct gdbm_store *s, gdbm_visit_fn *visit, const struct gdbm_db *from, uint64_t generation,
                         dpc_error *err)
{
	discard_spare(s->home);
	int fd = make_spare(s->home);
	if (fd < 0)
		return dpc__fail_errno(err, "cannot create %s/%s", s->home->path, SPARE);
	int rc = gdbm_db_open(&s->write, fd, s->path, true, err);
	if (rc == DPC_OK)
		rc = from ? gdbm_db_each(from, visit, &s->write, err) : write_stamp(&s->write, err);
	if (rc == DPC_OK)
		rc = write_generation(&s->write, generation, err);
	int closed = gdbm_db_close(&s->write, rc == DPC_OK ? err : NULL);
	rc = rc == DPC_OK ? closed : rc;
	if (rc == DPC_OK && renameat(s->home->fd, SPARE, s->home->fd, DB) < 0)
		rc = dpc__fail_errno(err, "cannot create %s", s->path);
	if (rc != DPC_OK)
		discard_spare(s->home);
	return rc;
}

int gdbm_file_open(void **self, const struct home *h, enum store_access access, dpc_error *err)
{
	dpc_error why = {0};
	struct gdbm_store *s = calloc(1, sizeof *s);
	if (!s)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	s->home = h;
	snprintf(s->path, sizeof s->path, "%.4000s/%s", h->path, DB);
	int rc = open_truth(s, &why);
	if (rc == DPC_E_NOTFOUND && access == STORE_CREATE) {
		rc = make_database(s, NULL, NULL, 1, &why);
		if (rc == DPC_OK)
			rc = open_truth(s, &why);
	}
	if (rc == DPC_OK) {
		*self = s;
		return rc;
	}
	free(s);
	return dpc__fail(err, rc, "%s", why.message);
}

void gdbm_file_close(void *self)
{
	struct gdbm_store *s = self;
	forget_writing(s);
	gdbm_db_close(&s->read, NULL);
	free(s);
}

/* --- health --- */

static int check_record(void *context, const struct record_key *key, struct slice sealed, dpc_error *err)
{
	struct entry_info info;
	struct slice capsule;
	struct digest digest;
	if (key->size != sizeof key->bytes || key->bytes[0] != RECORD_ENTRY)
		return DPC_OK;
	memcpy(digest.bytes, key->bytes + 1, sizeof digest.bytes);
	bool sound = record_decode_entry(&info, &capsule, &digest, gdbm_db_unseal(sealed));
	return sound ? DPC_OK : gdbm_db_damaged(context, err);
}

int gdbm_file_check(void *self, dpc_error *err)
{
	const struct gdbm_db *db;
	int rc = gdbm_file_look(&db, self, err);
	if (rc == DPC_OK)
		rc = gdbm_db_each(db, check_record, (void *)db, err);
	return rc == DPC_OK ? gdbm_db_check_free(db, err) : rc;
}

static int copy_record(void *context, const struct record_key *key, struct slice sealed, dpc_error *err)
{
	return gdbm_db_store(context, key, sealed, err);
}

/* Without what is free in it, which neither spare has any more. */
int gdbm_file_compact(void *self, dpc_error *err)
{
	struct gdbm_store *s = self;
	const struct gdbm_db *db;
	uint64_t generation = 0;
	int rc = gdbm_file_look(&db, s, err);
	if (rc == DPC_OK)
		rc = read_generation(&generation, db, err);
	if (rc == DPC_OK)
		rc = make_database(s, copy_record, db, generation + 1, err);
	return rc;
}

int gdbm_file_quarantine(const struct home *h, char *moved, size_t size, dpc_error *err)
{
	snprintf(moved, size, "%s.broken-%lld", DB, (long long)clock_wall_ns());
	discard_spare(h);
	if (renameat(h->fd, DB, h->fd, moved) < 0 && errno != ENOENT)
		return dpc__fail_errno(err, "cannot move %s/%s aside", h->path, DB);
	return DPC_OK;
}
