#include "atwork.h"

#include "clock.h"
#include "json.h"
#include "lock.h"
#include "os.h"
#include "proclocks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/* The kernel's list first: a lock taken to find out, be it for a moment, stands
 * in the way of who comes to lead. */
static bool is_held(int fd, pid_t *holder)
{
	*holder = proclocks_holder(fd);
	if (*holder > 0)
		return true;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}

/* What its leader wrote at the start. Nothing yet, or an end, is no run. */
static bool read_run(struct atwork *r, int fd)
{
	uint8_t head[CAPSULE_HEAD];
	struct capsule_meta meta;
	ssize_t n = os_pread_full(fd, head, sizeof head, 0);
	if (n < 0 || capsule_decode_head(&r->capsule, head, (size_t)n, NULL) != DPC_OK ||
	    r->capsule.state != CAPSULE_BUILDING)
		return false;
	size_t size = (size_t)r->capsule.meta_size;
	uint8_t *to = buf_reserve(&r->meta, size);
	if (!to || os_pread_full(fd, to, size, CAPSULE_HEAD) != (ssize_t)size ||
	    capsule_decode_meta(&meta, &r->capsule, (struct slice){to, size}, NULL) != DPC_OK)
		return false;
	r->label = meta.label;
	return true;
}

bool atwork_look(struct atwork *r, int fd)
{
	pid_t holder;
	if (!is_held(fd, &holder) || !read_run(r, fd))
		return false;
	r->pid = holder > 0 ? holder : (pid_t)r->capsule.pid;
	r->waiters = proclocks_waiters(fd);
	r->age = clock_wall_ns() - r->capsule.started;
	if (r->age < 0)
		r->age = 0;
	return true;
}

bool atwork_find(struct atwork *r, const struct home *h, const struct digest *key)
{
	char name[LOCK_NAME];
	*r = (struct atwork){.pid = 0};
	lock_name(name, key);
	int fd = openat(h->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	bool found = atwork_look(r, fd);
	close(fd);
	return found;
}

void atwork_release(struct atwork *r)
{
	buf_release(&r->meta);
}

void atwork_json(struct buf *b, const struct atwork *r)
{
	char hex[DIGEST_HEX];
	int64_t cost = r->capsule.cost;
	digest_hex(hex, &r->capsule.key);
	buf_u8(b, '{');
	json_text(b, "key", hex);
	json_bytes(b, "command", r->label);
	json_int(b, "pid", r->pid);
	json_seconds(b, "started", r->capsule.started);
	json_seconds(b, "age", r->age);
	json_seconds(b, "left", cost ? cost - r->age : DPC_FOREVER);
	if (r->waiters >= 0)
		json_int(b, "waiters", r->waiters);
	else
		json_text(b, "waiters", NULL);
	buf_u8(b, '}');
}
