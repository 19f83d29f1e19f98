#include "answer.h"

#include "os.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void answer_release(struct answer *a)
{
	buf_release(&a->bytes);
	if (a->fd >= 0)
		close(a->fd);
	*a = ANSWER_NONE;
}

int answer_from_bytes(struct answer *a, struct buf *bytes, dpc_error *err)
{
	buf_release(&a->bytes);
	a->bytes = *bytes;
	*bytes = (struct buf){0};
	int rc = capsule_decode_head(&a->capsule, a->bytes.data, a->bytes.size, err);
	if (rc != DPC_OK)
		return rc;
	size_t rest = a->bytes.size - CAPSULE_HEAD;
	if (a->capsule.meta_size > rest)
		return dpc__fail(err, DPC_E_CORRUPT, "capsule is cut short");
	struct slice meta = {a->bytes.data + CAPSULE_HEAD, (size_t)a->capsule.meta_size};
	rc = capsule_decode_meta(&a->meta, &a->capsule, meta, err);
	a->frames = (struct frames){{NULL, 0}, -1, 0, a->capsule.frames_size};
	if (rest - meta.size == capsule_body_size(&a->capsule))
		a->frames.memory = (struct slice){meta.data + meta.size, rest - meta.size};
	return rc;
}

int answer_from_fd(struct answer *a, int fd, dpc_error *err)
{
	uint8_t head[CAPSULE_HEAD];
	struct buf b = {0};
	a->fd = fd;
	ssize_t n = os_pread_full(fd, head, sizeof head, 0);
	if (n < 0)
		return dpc__fail_errno(err, "cannot read capsule");
	int rc = capsule_decode_head(&a->capsule, head, (size_t)n, err);
	if (rc != DPC_OK)
		return rc;
	/* A size that the sums vouch for, yet bounded by the file's own; on the shelf
	 * (shelf.h) there is more behind it. */
	off_t end = lseek(fd, 0, SEEK_END);
	if (end < 0 || capsule_size(&a->capsule) > (uint64_t)end)
		return dpc__fail(err, DPC_E_CORRUPT, "capsule is cut short");
	size_t size = CAPSULE_HEAD + (size_t)a->capsule.meta_size;
	uint8_t *to = buf_reserve(&b, size);
	if (!to || os_pread_full(fd, to, size, 0) != (ssize_t)size) {
		buf_release(&b);
		return dpc__fail_errno(err, "cannot read capsule");
	}
	b.size = size;
	rc = answer_from_bytes(a, &b, err);
	a->frames = (struct frames){{NULL, 0}, fd, size, a->capsule.frames_size};
	return rc;
}

int answer_describe(struct answer *a, int fd, dpc_error *err)
{
	struct capsule c;
	struct buf b = {0};
	int rc = capsule_read_head(&c, fd, err);
	if (rc != DPC_OK)
		return rc;
	size_t size = CAPSULE_HEAD + (size_t)c.meta_size;
	uint8_t *to = buf_reserve(&b, size);
	ssize_t n = to ? os_pread_full(fd, to + CAPSULE_HEAD, (size_t)c.meta_size, CAPSULE_HEAD) : -1;
	if (n == (ssize_t)c.meta_size) {
		capsule_encode_head(to, &c);
		b.size = size;
		rc = answer_from_bytes(a, &b, err);
	} else {
		rc = dpc__fail(err, DPC_E_CORRUPT, "capsule is cut short");
	}
	buf_release(&b);
	return rc;
}

int answer_attach(struct answer *a, const struct home *h, struct slice name, dpc_error *err)
{
	char path[64];
	if (name.size >= sizeof path || memchr(name.data, '.', name.size))
		return dpc__fail(err, DPC_E_CORRUPT, "capsule file has an impossible name");
	memcpy(path, name.data, name.size);
	path[name.size] = '\0';
	a->fd = openat(h->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (a->fd < 0)
		return dpc__fail_errno(err, "cannot open capsule %s", path);
	a->frames.fd = a->fd;
	a->frames.offset = CAPSULE_HEAD + a->capsule.meta_size;
	return DPC_OK;
}
