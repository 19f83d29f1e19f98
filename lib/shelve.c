/* Laying down on the shelf and taking away, under the write lock. */
#include "shelf.h"

#include "os.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	VARIANT_LIMIT = 1 << 20,  /* bytes of one variant */
	VARIANTS = 4,             /* kept of one question */
	DIRECTORY_FILES = 64,     /* kept in each of the 256 directories … */
	DIRECTORY_BYTES = 2 << 20 /* … and their bytes: 16384 files, 512 MiB in all */
};

static void put_tuples(struct buf *out, const struct observations *o)
{
	for (size_t i = 0; o && i < o->count; i++)
		tuple_put(out, &o->v[i].tuple);
}

static void put_variant(struct buf *out, const struct shelf_item *item)
{
	static const struct tuple none;
	if (item->file)
		buf_put(out, SHELF_APART, SHELF_MARK);
	buf_put(out, item->capsule.data, item->capsule.size);
	buf_string(out, item->file ? item->file : "");
	tuple_put(out, item->file ? &item->file_tuple : &none);
	buf_u32(out, (uint32_t)(item->observed->count + (item->traced ? item->traced->count : 0)));
	put_tuples(out, item->observed);
	put_tuples(out, item->traced);
	buf_u64(out, hash64(out->data, out->size));
	out->failed |= out->size > VARIANT_LIMIT;
}

/* In front of a server a question's file is as old as its only variant. */
static int variants_of(const struct home *h)
{
	return h->place ? 1 : VARIANTS;
}

/* Behind the new variant, those of other keys that are there already. */
static void put_others(struct buf *out, const struct home *h, const char *path, const struct shelf_item *item)
{
	struct shelf old = {0};
	struct shelf_variant v;
	struct capsule head;
	int kept = 1;
	if (capsule_decode_head(&head, item->capsule.data, item->capsule.size, NULL) != DPC_OK) {
		out->failed = true;
		return;
	}
	if (shelf_load_file(&old, h, path) == DPC_OK) {
		const uint8_t *from = old.next.at;
		while (kept < variants_of(h) && shelf_next(&old, &v)) {
			size_t size = (size_t)(old.next.at - from);
			bool other = memcmp(&v.capsule.key, &head.key, sizeof head.key) != 0;
			if (other && !v.capsule.voided && out->size + size <= SHELF_LIMIT) {
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

static int write_file(const struct home *h, const char *path, const struct buf *b)
{
	char temporary[SHELF_NAME + 8];
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
	return 0;
}

/* The run's own file has the capsule already: add what is behind it, and move
 * it here. A file made and another deleted would be the dearest part of a miss. */
static int move_in(const struct home *h, const char *path, const struct shelf_item *item, const struct buf *b)
{
	size_t have = item->capsule.size;
	if (!os_path_names(h->fd, item->run_name, item->run_fd) ||
	    os_pwrite_all(item->run_fd, b->data + have, b->size - have, (off_t)have) < 0)
		return -1;
	if (renameat(h->fd, item->run_name, h->fd, path) == 0)
		return 0;
	char directory[SHELF_NAME];
	snprintf(directory, sizeof directory, "%.8s", path);
	if (home_mkdir(h, "shelf") < 0 || home_mkdir(h, directory) < 0)
		return -1;
	return renameat(h->fd, item->run_name, h->fd, path);
}

static int replace(const struct home *h, const char *path, const struct shelf_item *item, struct buf *b)
{
	char directory[SHELF_NAME];
	struct stat old = {0};
	bool grows = fstatat(h->fd, path, &old, AT_SYMLINK_NOFOLLOW) < 0 || (off_t)b->size > old.st_size;
	size_t own = b->size;
	put_others(b, h, path, item);
	if (b->failed)
		return -1;
	int rc = -1;
	if (item->run_name && b->size == own)
		rc = move_in(h, path, item, b);
	if (rc < 0)
		rc = write_file(h, path, b);
	if (rc == 0 && grows) {
		snprintf(directory, sizeof directory, "%.8s", path);
		bound_directory(h, directory);
	}
	return rc;
}

int shelf_put(const struct home *h, const struct digest *question, const struct shelf_item *item)
{
	char path[SHELF_NAME];
	struct buf b = {0};
	shelf_name(path, question);
	put_variant(&b, item);
	/* Files below data/ are not kept there; and what would be too old at once is not laid down. */
	b.failed |= h->place && (item->file || !h->net.l1_ttl);
	int rc = b.failed ? -1 : replace(h, path, item, &b);
	/* What lies there now may be an older result of the same key. */
	if (rc < 0)
		shelf_remove(h, question);
	buf_release(&b);
	return rc < 0 ? DPC_E_IO : DPC_OK;
}

void shelf_remove(const struct home *h, const struct digest *question)
{
	char path[SHELF_NAME];
	shelf_name(path, question);
	unlinkat(h->fd, path, 0);
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
