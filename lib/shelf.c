#include "shelf.h"

#include "os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MAGIC = 0x31485344, /* "DSH1" */
	ENVELOPE = 16,
	VARIANT_LIMIT = 1 << 20,  /* bytes of one variant */
	QUESTION_LIMIT = 2 << 20, /* bytes of one question's file */
	VARIANTS = 4,             /* kept of one question */
	DIRECTORY_FILES = 64,     /* kept in each of the 256 directories … */
	DIRECTORY_BYTES = 2 << 20 /* … and their bytes: 16384 files, 512 MiB in all */
};

/* "shelf/xx/…" */
struct shelf_name {
	char path[8 + 3 + DIGEST_HEX + 16];
};

static struct shelf_name name_of(const struct digest *question)
{
	struct shelf_name n;
	char hex[DIGEST_HEX];
	/* By hand: printf's stack is two pages more for a hit to touch. */
	digest_hex(hex, question);
	memcpy(n.path, "shelf/xx/", 9);
	memcpy(n.path + 6, hex, 2);
	memcpy(n.path + 9, hex + 2, DIGEST_HEX - 2);
	return n;
}

void shelf_release(struct shelf *s)
{
	buf_release(&s->bytes);
}

int shelf_load(struct shelf *s, const struct home *h, const struct digest *question)
{
	struct shelf_name name = name_of(question);
	return shelf_load_file(s, h, name.path);
}

int shelf_load_file(struct shelf *s, const struct home *h, const char *path)
{
	struct stat st;
	int fd = openat(h->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return DPC_MISS;
	int rc = DPC_MISS;
	if (fstat(fd, &st) < 0 || st.st_size > QUESTION_LIMIT)
		goto out;
	uint8_t *to = buf_reserve(&s->bytes, (size_t)st.st_size);
	if (!to)
		goto out;
	ssize_t n = os_read_full(fd, to, (size_t)st.st_size);
	if (n <= 0)
		goto out;
	s->bytes.size = (size_t)n;
	s->next = (struct cursor){s->bytes.data, s->bytes.data + n, false};
	rc = DPC_OK;
out:
	if (rc != DPC_OK)
		buf_release(&s->bytes);
	close(fd);
	return rc;
}

static bool decode_body(struct shelf_variant *v, struct slice body)
{
	struct cursor c = {body.data, body.data + body.size, false};
	v->tuple_count = cursor_u32(&c);
	v->tuples = cursor_take(&c, (size_t)v->tuple_count * TUPLE_SIZE);
	v->file = cursor_field(&c);
	tuple_get(&c, &v->file_tuple);
	v->capsule_bytes = cursor_take(&c, (size_t)(c.end - c.at));
	if (c.bad || capsule_decode_head(&v->capsule, v->capsule_bytes.data, v->capsule_bytes.size, NULL))
		return false;
	if (v->capsule.meta_size > v->capsule_bytes.size - CAPSULE_HEAD)
		return false;
	struct slice meta = {v->capsule_bytes.data + CAPSULE_HEAD, (size_t)v->capsule.meta_size};
	/* The envelope's sum has vouched for all of it. */
	return capsule_parse_meta(&v->meta, meta, NULL) == DPC_OK &&
	       (v->file.size || capsule_size(&v->capsule) == v->capsule_bytes.size);
}

bool shelf_next(struct shelf *s, struct shelf_variant *v)
{
	if (s->next.at == s->next.end)
		return false;
	uint32_t magic = cursor_u32(&s->next);
	struct slice body = {.size = cursor_u32(&s->next)};
	uint64_t sum = cursor_u64(&s->next);
	body = cursor_take(&s->next, body.size);
	if (s->next.bad || magic != MAGIC || sum != hash64(body.data, body.size) || !decode_body(v, body)) {
		/* Where one variant ends is known only from itself: stop here. */
		s->damaged = true;
		return false;
	}
	return true;
}

static void put_envelope(struct buf *b, struct slice body)
{
	buf_u32(b, MAGIC);
	buf_u32(b, (uint32_t)body.size);
	buf_u64(b, hash64(body.data, body.size));
	buf_put(b, body.data, body.size);
}

static void put_variant(struct buf *out, const struct observations *o, struct slice capsule,
                        const char *file, const struct tuple *file_tuple)
{
	static const struct tuple none;
	struct buf body = {0};
	buf_u32(&body, (uint32_t)o->count);
	for (size_t i = 0; i < o->count; i++)
		tuple_put(&body, &o->v[i].tuple);
	buf_string(&body, file ? file : "");
	tuple_put(&body, file ? file_tuple : &none);
	buf_put(&body, capsule.data, capsule.size);
	if (body.failed || body.size > VARIANT_LIMIT)
		out->failed = true;
	else
		put_envelope(out, (struct slice){body.data, body.size});
	buf_release(&body);
}

/* Behind the new variant, those of other keys that are there already. */
static void put_others(struct buf *out, const struct home *h, const struct digest *question,
                       const struct digest *key)
{
	struct shelf old = {0};
	struct shelf_variant v;
	int kept = 1;
	if (shelf_load(&old, h, question) == DPC_OK) {
		const uint8_t *from = old.next.at;
		while (kept < VARIANTS && shelf_next(&old, &v)) {
			size_t size = (size_t)(old.next.at - from);
			if (memcmp(&v.capsule.key, key, sizeof *key) != 0 && out->size + size <= QUESTION_LIMIT) {
				buf_put(out, from, size);
				kept++;
			}
			from = old.next.at;
		}
	}
	shelf_release(&old);
}

struct resident {
	char name[NAME_MAX + 1];
	struct timespec used;
	off_t size;
};

static int longest_unused_first(const void *a, const void *b)
{
	const struct resident *x = a, *y = b;
	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
	return (x->used.tv_nsec > y->used.tv_nsec) - (x->used.tv_nsec < y->used.tv_nsec);
}

/* Keep a directory within bounds, dropping what was written longest ago. */
static void bound_directory(const struct home *h, const char *dir_name)
{
	struct resident all[DIRECTORY_FILES * 2];
	size_t count = 0;
	off_t bytes = 0;
	struct dirent *e;
	struct stat st;
	int fd = openat(h->fd, dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return;
	while ((e = readdir(dir)) && count < sizeof all / sizeof *all) {
		if (e->d_name[0] == '.' || fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		struct resident *r = &all[count++];
		snprintf(r->name, sizeof r->name, "%s", e->d_name);
		r->used = st.st_mtim;
		r->size = st.st_size;
		bytes += st.st_size;
	}
	if (count > DIRECTORY_FILES || bytes > DIRECTORY_BYTES) {
		qsort(all, count, sizeof *all, longest_unused_first);
		size_t left = count;
		/* The last one is what was just laid down; it stays. */
		for (size_t i = 0; i + 1 < count && (left > DIRECTORY_FILES || bytes > DIRECTORY_BYTES); i++) {
			unlinkat(fd, all[i].name, 0);
			bytes -= all[i].size;
			left--;
		}
	}
	closedir(dir);
}

static int replace_file(const struct home *h, const char *path, const struct buf *b)
{
	char temporary[sizeof(struct shelf_name) + 8];
	struct stat old = {0};
	bool grows = fstatat(h->fd, path, &old, AT_SYMLINK_NOFOLLOW) < 0 || (off_t)b->size > old.st_size;
	snprintf(temporary, sizeof temporary, "%.9s.new", path); /* "shelf/xx/.new": the lock is held */
	int fd = home_open_file(h, temporary, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0)
		return -1;
	int rc = os_write_all(fd, b->data, b->size);
	close(fd);
	if (rc < 0 || renameat(h->fd, temporary, h->fd, path) < 0) {
		unlinkat(h->fd, temporary, 0);
		return -1;
	}
	if (grows) {
		temporary[8] = '\0';
		bound_directory(h, temporary);
	}
	return 0;
}

int shelf_put(const struct home *h, const struct digest *question, const struct observations *o,
              struct slice capsule, const char *file, const struct tuple *file_tuple)
{
	struct shelf_name name = name_of(question);
	struct capsule head;
	struct buf b = {0};
	int rc = -1;
	put_variant(&b, o, capsule, file, file_tuple);
	if (!b.failed && capsule_decode_head(&head, capsule.data, capsule.size, NULL) == DPC_OK) {
		put_others(&b, h, question, &head.key);
		if (!b.failed)
			rc = replace_file(h, name.path, &b);
	}
	/* What lies there now may be an older result of the same key. */
	if (rc < 0)
		shelf_remove(h, question);
	buf_release(&b);
	return rc < 0 ? DPC_E_IO : DPC_OK;
}

void shelf_remove(const struct home *h, const struct digest *question)
{
	struct shelf_name name = name_of(question);
	unlinkat(h->fd, name.path, 0);
}

static void clear_directory(int parent, const char *name, int depth)
{
	struct dirent *e;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (e = readdir(dir))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (depth)
			clear_directory(fd, e->d_name, depth - 1);
		else
			unlinkat(fd, e->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

void shelf_clear(const struct home *h)
{
	clear_directory(h->fd, "shelf", 1);
}
