#include "shelf.h"

#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char SHELF_APART[SHELF_MARK] = "DPAPART1";

void shelf_name(char out[SHELF_NAME], const struct digest *question)
{
	char hex[DIGEST_HEX];
	/* By hand: printf's stack is two pages more for a hit to touch. */
	digest_hex(hex, question);
	memcpy(out, "shelf/xx/", sizeof "shelf/xx/");
	memcpy(out + 6, hex, 2);
	memcpy(out + 9, hex + 2, DIGEST_HEX - 2);
}

void shelf_release(struct shelf *s)
{
	buf_release(&s->bytes);
}

int shelf_claim(const struct home *h, const struct digest *question)
{
	char name[SHELF_NAME];
	shelf_name(name, question);
	int fd = openat(h->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	errno = EWOULDBLOCK;
	return -1;
}

int shelf_load(struct shelf *s, const struct home *h, const struct digest *question)
{
	char name[SHELF_NAME];
	shelf_name(name, question);
	return shelf_load_file(s, h, name);
}

static bool is_recent(const struct home *h, const struct stat *st)
{
	int64_t age = h->place ? clock_wall_ns() - clock_ns(st->st_mtim) : 0;
	/* The file system's clock ticks more coarsely than ours. */
	return !h->place || (age <= h->net.l1_ttl && age > -INT64_C(100000000));
}

int shelf_load_file(struct shelf *s, const struct home *h, const char *path)
{
	struct stat st;
	int fd = openat(h->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return DPC_MISS;
	int rc = DPC_MISS;
	if (fstat(fd, &st) < 0 || st.st_size > SHELF_LIMIT || !is_recent(h, &st))
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

/* What a variant begins with: the capsule, or head and meta behind a mark. */
static bool decode_capsule(struct shelf_variant *v, struct cursor *c)
{
	size_t left = (size_t)(c->end - c->at);
	bool apart = left >= SHELF_MARK && memcmp(c->at, SHELF_APART, SHELF_MARK) == 0;
	if (apart)
		cursor_take(c, SHELF_MARK);
	left = (size_t)(c->end - c->at);
	if (capsule_decode_head(&v->capsule, c->at, left, NULL) != DPC_OK)
		return false;
	/* Each by itself: their sum could wrap around. */
	uint64_t meta = v->capsule.meta_size, body = apart ? 0 : capsule_body_size(&v->capsule);
	if (meta > left - CAPSULE_HEAD || body > left - CAPSULE_HEAD - meta)
		return false;
	v->capsule_bytes = cursor_take(c, (size_t)(CAPSULE_HEAD + meta + body));
	return apart == (v->capsule_bytes.size != capsule_size(&v->capsule)) || !capsule_body_size(&v->capsule);
}

static bool decode_tail(struct shelf_variant *v, struct cursor *c)
{
	v->file = cursor_field(c);
	tuple_get(c, &v->file_tuple);
	v->tuple_count = cursor_u32(c);
	v->tuples = cursor_take(c, (size_t)v->tuple_count * TUPLE_SIZE);
	return !c->bad;
}

static bool decode(struct shelf_variant *v, struct cursor *c)
{
	const uint8_t *start = c->at;
	if (!decode_capsule(v, c) || !decode_tail(v, c))
		return false;
	size_t size = (size_t)(c->at - start);
	/* The sum is of an unvoided one: whoever voids a run knows of no sums. */
	memset((uint8_t *)v->capsule_bytes.data + CAPSULE_VOIDED_AT, 0, sizeof v->capsule.voided);
	if (cursor_u64(c) != hash64(start, size) || c->bad)
		return false;
	/* The sum has vouched for all of it. */
	struct slice meta = {v->capsule_bytes.data + CAPSULE_HEAD, (size_t)v->capsule.meta_size};
	return capsule_parse_meta(&v->meta, meta, NULL) == DPC_OK;
}

bool shelf_next(struct shelf *s, struct shelf_variant *v)
{
	if (s->next.at == s->next.end)
		return false;
	/* Where one variant ends is known only from itself: damage ends the walk. */
	s->damaged = !decode(v, &s->next);
	return !s->damaged;
}
