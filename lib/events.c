#include "events.h"

#include "clock.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char LOG[] = "events", TAKEN[] = "events.taken";
static const uint32_t MAGIC = 0x31564544; /* "DEV1" */

uint64_t events_append(const struct home *h, enum event event, const struct digest *key, int64_t saved)
{
	uint64_t size = 0;
	int fd = openat(h->fd, LOG, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return 0;
	struct buf b = {0};
	buf_u32(&b, MAGIC);
	buf_u32(&b, (uint32_t)event);
	buf_put(&b, key->bytes, sizeof key->bytes);
	buf_u64(&b, (uint64_t)clock_wall_ns());
	buf_u64(&b, (uint64_t)saved);
	if (!b.failed && write(fd, b.data, b.size) == (ssize_t)b.size) {
		off_t at = lseek(fd, 0, SEEK_CUR);
		size = at > 0 ? (uint64_t)at : 0;
	}
	buf_release(&b);
	close(fd);
	return size;
}

bool events_decode(struct event_record *r, const uint8_t *bytes)
{
	struct cursor c = {bytes, bytes + EVENT_SIZE, false};
	if (cursor_u32(&c) != MAGIC)
		return false;
	uint32_t event = cursor_u32(&c);
	memcpy(r->key.bytes, cursor_take(&c, sizeof r->key.bytes).data, sizeof r->key.bytes);
	r->time = (int64_t)cursor_u64(&c);
	r->saved = (int64_t)cursor_u64(&c);
	r->event = (enum event)event;
	return event > 0 && event < EVENT_COUNT;
}

int events_take(struct buf *out, const struct home *h, dpc_error *err)
{
	int rc = DPC_OK;
	/* Renamed first: a hit that has it open still appends to what is read
	 * below or, at worst, to a file that is gone. */
	if (renameat(h->fd, LOG, h->fd, TAKEN) < 0)
		return errno == ENOENT ? DPC_OK : dpc__fail_errno(err, "cannot take the event log");
	int fd = openat(h->fd, TAKEN, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	uint8_t *to = size < 0 ? NULL : buf_reserve(out, (size_t)size);
	ssize_t n = to ? os_pread_full(fd, to, (size_t)size, 0) : -1;
	if (n < 0)
		rc = dpc__fail_errno(err, "cannot read the event log");
	else
		out->size += (size_t)n;
	if (fd >= 0)
		close(fd);
	unlinkat(h->fd, TAKEN, 0);
	return rc;
}
