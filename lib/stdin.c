#include "stdin.h"

#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int unnamed_file(const struct home *h)
{
	int fd = openat(h->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	char name[32];
	snprintf(name, sizeof name, "stdin.%ld", (long)getpid());
	fd = openat(h->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlinkat(h->fd, name, 0);
	return fd;
}

int stdin_spool(const struct home *h, dpc_error *err)
{
	char chunk[65536];
	ssize_t n;
	if (lseek(0, 0, SEEK_CUR) >= 0)
		return DPC_OK;
	int fd = unnamed_file(h);
	if (fd < 0)
		return dpc__fail_errno(err, "cannot keep standard input in %s", h->path);
	while ((n = os_read_full(0, chunk, sizeof chunk)) > 0)
		if (os_write_all(fd, chunk, (size_t)n) < 0)
			break;
	if (n != 0 || lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, 0) < 0) {
		int rc = dpc__fail_errno(err, "cannot read standard input");
		close(fd);
		return rc;
	}
	close(fd);
	return DPC_OK;
}

int stdin_digest(struct digest *out, dpc_error *err)
{
	char chunk[65536];
	struct hasher state;
	off_t at = lseek(0, 0, SEEK_CUR);
	ssize_t n;
	hasher_init(&state);
	while ((n = os_pread_full(0, chunk, sizeof chunk, at)) > 0) {
		hasher_update(&state, chunk, (size_t)n);
		at += n;
	}
	if (n < 0)
		return dpc__fail_errno(err, "cannot read standard input");
	*out = hasher_sum128(&state);
	return DPC_OK;
}

int stdin_read(struct buf *out, dpc_error *err)
{
	off_t at = lseek(0, 0, SEEK_CUR);
	for (;;) {
		uint8_t *to = buf_reserve(out, 65536);
		ssize_t n = to ? os_pread_full(0, to, 65536, at) : 0;
		if (!to)
			return dpc__fail(err, DPC_E_MEMORY, "out of memory");
		if (n < 0)
			return dpc__fail_errno(err, "cannot read standard input");
		if (n == 0)
			return DPC_OK;
		out->size += (size_t)n;
		at += n;
	}
}

void stdin_consume(void)
{
	lseek(0, 0, SEEK_END);
}
