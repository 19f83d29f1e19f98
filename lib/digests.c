#include "digests.h"

#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	SLOT_SIZE = TUPLE_SIZE + 16 + 8,
	WAYS = 4,
	SETS = 16384, /* 4.5 MiB at most, sparse */
	UNOPENED = -1,
	UNAVAILABLE = -2
};

struct slot {
	struct tuple tuple;
	struct digest digest;
	bool good;
};

void digests_init(struct digests *d, int home_fd)
{
	*d = (struct digests){.home_fd = home_fd, .fd = UNOPENED};
}

void digests_release(struct digests *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = UNAVAILABLE;
}

static bool ready(struct digests *d)
{
	if (d->fd == UNOPENED) {
		d->writable = !d->look_only;
		if (d->writable)
			d->fd = openat(d->home_fd, "digests", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (d->fd < 0) {
			d->writable = false;
			d->fd = openat(d->home_fd, "digests", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		}
		if (d->fd < 0)
			d->fd = UNAVAILABLE;
	}
	return d->fd >= 0;
}

static off_t set_offset(const struct tuple *t)
{
	uint64_t identity[2] = {t->dev, t->ino};
	return (off_t)(hash64(identity, sizeof identity) % SETS) * WAYS * SLOT_SIZE;
}

static void decode(struct slot *s, const uint8_t *bytes)
{
	struct cursor c = {bytes, bytes + SLOT_SIZE, false};
	tuple_get(&c, &s->tuple);
	memcpy(s->digest.bytes, cursor_take(&c, 16).data, 16);
	s->good = cursor_u64(&c) == hash64(bytes, SLOT_SIZE - 8);
}

/* Slots beyond the end of the file come out as not good. */
static void read_set(struct digests *d, off_t at, struct slot set[WAYS])
{
	uint8_t bytes[WAYS * SLOT_SIZE] = {0};
	ssize_t n = os_pread_full(d->fd, bytes, sizeof bytes, at);
	for (int i = 0; i < WAYS; i++) {
		decode(&set[i], bytes + i * SLOT_SIZE);
		if (n < (i + 1) * SLOT_SIZE)
			set[i].good = false;
	}
}

bool digests_find(struct digests *d, const struct tuple *t, struct digest *out)
{
	struct slot set[WAYS];
	if (!ready(d))
		return false;
	read_set(d, set_offset(t), set);
	for (int i = 0; i < WAYS; i++)
		if (set[i].good && tuple_same(&set[i].tuple, t) && !tuple_racy(&set[i].tuple)) {
			*out = set[i].digest;
			return true;
		}
	return false;
}

/* The slot of the same file, else a bad one, else the one seen longest ago. */
static int choose_way(const struct slot set[WAYS], const struct tuple *t)
{
	int oldest = 0;
	for (int i = 0; i < WAYS; i++)
		if (set[i].good && set[i].tuple.dev == t->dev && set[i].tuple.ino == t->ino)
			return i;
	for (int i = 0; i < WAYS; i++) {
		if (!set[i].good)
			return i;
		if (set[i].tuple.seen < set[oldest].tuple.seen)
			oldest = i;
	}
	return oldest;
}

void digests_note(struct digests *d, const struct tuple *t, const struct digest *digest)
{
	struct slot set[WAYS];
	if (tuple_racy(t) || !ready(d) || !d->writable)
		return;
	off_t at = set_offset(t);
	read_set(d, at, set);
	struct buf b = {0};
	tuple_put(&b, t);
	buf_put(&b, digest->bytes, sizeof digest->bytes);
	if (!b.failed) {
		buf_u64(&b, hash64(b.data, b.size));
		if (!b.failed)
			(void)!pwrite(d->fd, b.data, b.size, at + choose_way(set, t) * SLOT_SIZE);
	}
	buf_release(&b);
}
