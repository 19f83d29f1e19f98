/* See gdbm_log.h. The file: magic, generation, boot, changes, and a sum over all that.
 * A change is its kind, the key and, where something is stored, what. */
#include "gdbm_log.h"

#include "clock.h"
#include "hash.h"
#include "os.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char LOG[] = "cache.gdbm.log", MAGIC[8] = "DPGDBML1";

enum change { CHANGE_DELETE, CHANGE_STORE };
enum { LONGEST = 4 << 20, SUM = sizeof(uint64_t) };

void gdbm_log_release(struct gdbm_log *l)
{
	buf_release(&l->changes);
	l->too_long = false;
}

static void append(struct gdbm_log *l, enum change change, const struct record_key *key, struct slice sealed)
{
	l->too_long |= l->changes.size + sealed.size > LONGEST;
	if (l->too_long)
		return;
	buf_u8(&l->changes, (uint8_t)change);
	buf_field(&l->changes, key->bytes, key->size);
	buf_field(&l->changes, sealed.data, sealed.size);
}

void gdbm_log_store(struct gdbm_log *l, const struct record_key *key, struct slice sealed)
{
	append(l, CHANGE_STORE, key, sealed);
}

void gdbm_log_delete(struct gdbm_log *l, const struct record_key *key)
{
	append(l, CHANGE_DELETE, key, (struct slice){NULL, 0});
}

static uint64_t this_boot(void)
{
	struct moment now;
	moment_now(&now);
	return now.boot_id;
}

void gdbm_log_write(const struct gdbm_log *l, const struct home *h, uint64_t generation)
{
	uint64_t boot = this_boot();
	if (l->too_long || !boot)
		return;
	struct buf b = {0};
	buf_put(&b, MAGIC, sizeof MAGIC);
	buf_u64(&b, generation);
	buf_u64(&b, boot);
	buf_put(&b, l->changes.data, l->changes.size);
	b.failed |= l->changes.failed;
	buf_u64(&b, b.failed ? 0 : hash64(b.data, b.size));
	int fd = b.failed ? -1 : os_openat_high(h->fd, LOG, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
	/* What is not all there has no sum. */
	if (fd >= 0) {
		(void)!os_write_all(fd, b.data, b.size);
		close(fd);
	}
	buf_release(&b);
}

/* --- taking --- */

static bool read_all(struct buf *out, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || st.st_size > 2 * LONGEST)
		return false;
	uint8_t *to = buf_reserve(out, (size_t)st.st_size);
	ssize_t n = to ? os_read_full(fd, to, (size_t)st.st_size) : -1;
	out->size += n > 0 ? (size_t)n : 0;
	return n == st.st_size;
}

static bool is_wanted(struct cursor *c, const struct buf *file, uint64_t generation)
{
	if (file->size < sizeof MAGIC + 2 * sizeof(uint64_t) + SUM)
		return false;
	*c = (struct cursor){file->data + file->size - SUM, file->data + file->size, false};
	bool whole = cursor_u64(c) == hash64(file->data, file->size - SUM);
	*c = (struct cursor){file->data, file->data + file->size - SUM, false};
	whole = whole && memcmp(cursor_take(c, sizeof MAGIC).data, MAGIC, sizeof MAGIC) == 0;
	whole = cursor_u64(c) == generation && whole;
	return cursor_u64(c) == this_boot() && whole;
}

bool gdbm_log_take(struct buf *changes, const struct home *h, uint64_t generation)
{
	struct buf file = {0};
	struct cursor c;
	int fd = os_openat_high(h->fd, LOG, O_RDWR | O_NOFOLLOW, 0);
	if (fd < 0)
		return false;
	bool taken = read_all(&file, fd) && is_wanted(&c, &file, generation);
	/* As long as it is there, the other file counts as sound. */
	taken &= ftruncate(fd, 0) == 0;
	close(fd);
	if (taken)
		buf_put(changes, c.at, (size_t)(c.end - c.at));
	buf_release(&file);
	return taken && !changes->failed;
}

int gdbm_log_apply(const struct buf *changes, const struct gdbm_db *db, dpc_error *err)
{
	struct cursor c = {changes->data, changes->data + changes->size, false};
	int rc = DPC_OK;
	while (c.at < c.end && rc == DPC_OK) {
		enum change change = cursor_u8(&c);
		struct slice name = cursor_field(&c), sealed = cursor_field(&c);
		struct record_key key = {.size = name.size};
		if (c.bad || name.size > sizeof key.bytes)
			return gdbm_db_damaged(db, err);
		memcpy(key.bytes, name.data, name.size);
		rc = change == CHANGE_STORE ? gdbm_db_store(db, &key, sealed, err) : gdbm_db_delete(db, &key, err);
	}
	return rc;
}
