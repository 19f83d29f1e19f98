/* See gdbm_db.h. */
#include "gdbm_db.h"

#include "err.h"
#include "hash.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUM = sizeof(uint64_t) };

/* --- what went wrong --- */

static int damaged(const char *path, const char *how, dpc_error *err)
{
	return dpc__fail(err, DPC_E_CORRUPT, "%s is damaged (%s); run: dpcache doctor --fix", path, how);
}

int gdbm_db_damaged(const struct gdbm_db *db, dpc_error *err)
{
	return damaged(db->path, "a record is not what was put", err);
}

static int failed(const char *path, gdbm_error code, int system, dpc_error *err)
{
	switch (code) {
	case GDBM_MALLOC_ERROR:
		return dpc__fail(err, DPC_E_MEMORY, "%s: out of memory", path);
	case GDBM_BYTE_SWAPPED:
	case GDBM_BAD_FILE_OFFSET:
		return dpc__fail(err, DPC_E_VERSION, "%s was made on another kind of machine; set DPCACHE_DIR", path);
	case GDBM_EMPTY_DATABASE:
		return damaged(path, "it is empty", err);
	case GDBM_FILE_STAT_ERROR:
	case GDBM_FILE_WRITE_ERROR:
	case GDBM_FILE_SYNC_ERROR:
	case GDBM_FILE_CLOSE_ERROR:
		return dpc__fail(err, DPC_E_IO, "cannot write %s: %s", path, strerror(system));
	case GDBM_FILE_READ_ERROR:
		/* Anything else is asked for by numbers in the file that are wrong. */
		if (system == EIO)
			return dpc__fail(err, DPC_E_IO, "cannot read %s: %s", path, strerror(system));
		break;
	default:
		break;
	}
	return damaged(path, gdbm_strerror(code), err);
}

static int failed_in(const struct gdbm_db *db, dpc_error *err)
{
	return failed(db->path, gdbm_last_errno(db->file), gdbm_last_syserr(db->file), err);
}

/* Somebody may have put another engine's file there. */
static const char *whose(int fd)
{
	static const char sqlite[] = "SQLite format 3";
	uint8_t head[24] = {0};
	uint32_t lmdb;
	if (pread(fd, head, sizeof head, 0) < (ssize_t)sizeof head)
		return NULL;
	memcpy(&lmdb, head + 16, sizeof lmdb);
	return memcmp(head, sqlite, sizeof sqlite) == 0 ? "an SQLite database"
	       : le32toh(lmdb) == 0xBEEFC0DE            ? "an LMDB file"
	                                                : NULL;
}

/* --- opening --- */

/* How a file of GDBM's begins, in the order of this machine's bytes. */
struct header {
	uint32_t magic;
	int32_t block_size;
	int64_t directory;
	int32_t directory_size, directory_bits, bucket_size, bucket_elements;
	int64_t end; /* of what is in use */
};
/* The magic numbers that GDBM takes; the first is of the files that we make. */
enum { OURS = 0x13579acf, OLD = 0x13579ace, NUMBERED = 0x13579ad1 };

/* GDBM makes a file as long as the header says, and a table as large: with a number
 * that is damaged it would fill the disk, or memory. Other files it refuses itself. */
static bool is_bounded(int fd)
{
	enum { LARGEST_BLOCK = 1 << 20 };
	struct stat st;
	struct header h;
	if (fstat(fd, &st) < 0 || pread(fd, &h, sizeof h, 0) != sizeof h)
		return true;
	if (h.magic != OURS)
		return h.magic != OLD && h.magic != NUMBERED;
	return h.block_size > 0 && h.block_size <= LARGEST_BLOCK && h.bucket_size == h.block_size &&
	       h.directory_size > 0 && h.directory_size <= st.st_size && h.end >= st.st_size &&
	       h.end <= st.st_size + LARGEST_BLOCK;
}

int gdbm_db_open(struct gdbm_db *db, int fd, const char *path, bool writes, dpc_error *err)
{
	int rc = DPC_OK;
	*db = (struct gdbm_db){.path = path};
	if (!is_bounded(fd)) {
		close(fd);
		return damaged(path, "its header is not what was written", err);
	}
	db->file = gdbm_fd_open(fd, path, 0, (writes ? GDBM_WRITER : GDBM_READER) | GDBM_NOLOCK | GDBM_NOMMAP, NULL);
	if (!db->file) {
		gdbm_error code = gdbm_errno;
		int system = errno;
		const char *other = code == GDBM_BAD_MAGIC_NUMBER ? whose(fd) : NULL;
		rc = other ? dpc__fail(err, DPC_E_CORRUPT, "%s is %s and no GDBM file; run: dpcache doctor --fix", path, other)
		           : failed(path, code, system, err);
		close(fd);
	} else if (writes) {
		int join = 1;
		gdbm_setopt(db->file, GDBM_SETCOALESCEBLKS, &join, sizeof join);
	}
	return rc;
}

int gdbm_db_close(struct gdbm_db *db, dpc_error *err)
{
	GDBM_FILE file = db->file;
	db->file = NULL;
	return !file || gdbm_close(file) == 0 ? DPC_OK : failed(db->path, gdbm_errno, errno, err);
}

/* --- records --- */

static datum datum_of(const void *data, size_t size)
{
	return (datum){(char *)data, (int)size};
}

static uint64_t sum_of(const struct record_key *key, struct slice a, struct slice b)
{
	struct hasher h;
	hasher_init(&h);
	hasher_update(&h, key->bytes, key->size);
	hasher_update(&h, a.data, a.size);
	hasher_update(&h, b.data, b.size);
	return hasher_sum64(&h);
}

struct slice gdbm_db_unseal(struct slice sealed)
{
	return (struct slice){sealed.data + SUM, sealed.size - SUM};
}

static bool is_sealed(const struct record_key *key, struct slice sealed)
{
	struct cursor c = {sealed.data, sealed.data + sealed.size, false};
	uint64_t sum = cursor_u64(&c);
	return !c.bad && sum == sum_of(key, gdbm_db_unseal(sealed), (struct slice){NULL, 0});
}

void gdbm_db_seal(struct buf *out, const struct record_key *key, const struct buf *head, struct slice tail)
{
	out->failed |= head->failed;
	buf_u64(out, sum_of(key, (struct slice){head->data, head->size}, tail));
	buf_put(out, head->data, head->size);
	buf_put(out, tail.data, tail.size);
}

static int fetch(datum *out, const struct gdbm_db *db, const struct record_key *key, dpc_error *err)
{
	*out = gdbm_fetch(db->file, datum_of(key->bytes, key->size));
	if (!out->dptr)
		return gdbm_last_errno(db->file) == GDBM_ITEM_NOT_FOUND ? DPC_MISS : failed_in(db, err);
	struct slice sealed = {(const uint8_t *)out->dptr, (size_t)out->dsize};
	if (is_sealed(key, sealed))
		return DPC_OK;
	free(out->dptr);
	out->dptr = NULL;
	return gdbm_db_damaged(db, err);
}

int gdbm_db_find(struct gdbm_value *out, const struct gdbm_db *db, const struct record_key *key, dpc_error *err)
{
	datum value;
	*out = (struct gdbm_value){{NULL, 0}, NULL};
	int rc = fetch(&value, db, key, err);
	if (rc == DPC_OK) {
		out->memory = value.dptr;
		out->bytes = gdbm_db_unseal((struct slice){out->memory, (size_t)value.dsize});
	}
	return rc;
}

int gdbm_db_store(const struct gdbm_db *db, const struct record_key *key, struct slice sealed, dpc_error *err)
{
	if (sealed.size > INT_MAX - sizeof key->bytes)
		return dpc__fail(err, DPC_E_IO, "%s: too large a record for GDBM", db->path);
	int rc = gdbm_store(db->file, datum_of(key->bytes, key->size), datum_of(sealed.data, sealed.size), GDBM_REPLACE);
	return rc == 0 ? DPC_OK : failed_in(db, err);
}

int gdbm_db_delete(const struct gdbm_db *db, const struct record_key *key, dpc_error *err)
{
	if (gdbm_delete(db->file, datum_of(key->bytes, key->size)) == 0)
		return DPC_OK;
	return gdbm_last_errno(db->file) == GDBM_ITEM_NOT_FOUND ? DPC_MISS : failed_in(db, err);
}

/* --- all of it --- */

static int visit_name(const struct gdbm_db *db, const datum *name, gdbm_visit_fn *visit, void *context,
                      dpc_error *err)
{
	struct record_key key = {.size = (size_t)name->dsize};
	datum value;
	if (key.size > sizeof key.bytes)
		return gdbm_db_damaged(db, err);
	memcpy(key.bytes, name->dptr, key.size);
	int rc = fetch(&value, db, &key, err);
	if (rc != DPC_OK)
		return rc == DPC_MISS ? gdbm_db_damaged(db, err) : rc;
	rc = visit(context, &key, (struct slice){(const uint8_t *)value.dptr, (size_t)value.dsize}, err);
	free(value.dptr);
	return rc;
}

/* GDBM goes from one name to the next by looking the one up: in a damaged file that
 * may lead back, and round for ever. So they are counted first. */
int gdbm_db_each(const struct gdbm_db *db, gdbm_visit_fn *visit, void *context, dpc_error *err)
{
	gdbm_count_t count = 0, seen = 0;
	int rc = DPC_OK;
	if (gdbm_count(db->file, &count) != 0)
		return failed_in(db, err);
	datum name = gdbm_firstkey(db->file);
	while (name.dptr && rc == DPC_OK) {
		rc = ++seen > count ? gdbm_db_damaged(db, err) : visit_name(db, &name, visit, context, err);
		datum next = rc == DPC_OK ? gdbm_nextkey(db->file, name) : (datum){NULL, 0};
		free(name.dptr);
		name = next;
	}
	if (rc == DPC_OK && gdbm_last_errno(db->file) != GDBM_ITEM_NOT_FOUND)
		rc = failed_in(db, err);
	return rc == DPC_OK && seen != count ? gdbm_db_damaged(db, err) : rc;
}

int gdbm_db_check_free(const struct gdbm_db *db, dpc_error *err)
{
	return gdbm_avail_verify(db->file) == 0 ? DPC_OK : failed_in(db, err);
}
