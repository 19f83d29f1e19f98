#include "lease.h"

#include "clock.h"
#include "os.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char MACHINE[] = "machine";

static const int64_t SLICE = INT64_C(100) * 1000000;

static const struct remote_ops *remote_of(const struct home *h)
{
	const struct store_ops *ops = h ? store_engine(h->engine) : NULL;
	return ops ? ops->remote : NULL;
}

bool lease_is_needed(const struct home *h)
{
	const struct remote_ops *remote = remote_of(h);
	return remote && !h->net.read_only;
}

/* A random number that stays with the home. */
static int own_number(struct buf *out, const struct home *h)
{
	struct digest number;
	struct stat st;
	int fd = os_openat_high(h->fd, MACHINE, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	/* Of two who come first at once the last one's counts, from the next time on. */
	bool there = os_pread_full(fd, &number, sizeof number, 0) == sizeof number ||
	             (os_random(&number, sizeof number) == 0 && os_pwrite_all(fd, &number, sizeof number, 0) == 0);
	int rc = there ? fstat(fd, &st) : -1;
	close(fd);
	if (rc < 0)
		return rc;
	/* A copy of the home, as in an image that many machines start from, is another. */
	buf_put(out, &number, sizeof number);
	buf_u64(out, (uint64_t)st.st_dev);
	buf_u64(out, (uint64_t)st.st_ino);
	return 0;
}

/* Whose lease it is: this home's in this boot. Whoever contends holds the key's lock here, so
 * a lease under the same token is of a leader who died, and is taken over at once. */
static int make_token(char out[GRANT_TOKEN], const struct home *h, dpc_error *err)
{
	struct buf b = {0};
	struct moment now;
	if (own_number(&b, h) < 0) {
		buf_release(&b);
		return dpc__fail_errno(err, "cannot keep a number in %s/%s", h->path, MACHINE);
	}
	moment_now(&now);
	buf_u64(&b, now.boot_id);
	struct digest token = hash128(b.data, b.size);
	int rc = b.failed ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : DPC_OK;
	digest_hex(out, &token);
	buf_release(&b);
	return rc;
}

static int begin(struct lease *l, const struct home *h, const struct digest *key, dpc_error *err)
{
	l->grant = (struct grant){.key = *key, .length = h->net.lease};
	int rc = make_token(l->grant.token, h, err);
	return rc == DPC_OK ? store_open(&l->store, h, false, err) : rc;
}

static void stop_listening(struct lease *l)
{
	if (l->ear)
		remote_of(l->store.home)->close_ear(l->ear);
	l->ear = NULL;
}

/* Somebody has it for `left` more: until he gives it back, or it runs out. DPC_OK when it
 * is worth asking again. */
static int await_end(struct lease *l, int64_t left, int64_t deadline, void (*waiting)(void *), void *context,
                     dpc_error *err)
{
	const struct remote_ops *remote = remote_of(l->store.home);
	int64_t until = clock_mono_ns() + left + 1000000;
	until = until < deadline ? until : deadline;
	for (;;) {
		int64_t now = clock_mono_ns(), next = now + SLICE;
		int rc = remote->hear(l->ear, next < until ? next : until, err);
		if (rc != DPC_MISS)
			return rc;
		if (clock_mono_ns() >= until)
			return DPC_OK;
		if (waiting)
			waiting(context);
	}
}

enum lease_outcome lease_contend(struct lease *l, const struct home *h, const struct digest *key, int64_t deadline,
                                 void (*waiting)(void *context), void *context, dpc_error *err)
{
	const struct remote_ops *remote = remote_of(h);
	int64_t left = 0;
	int rc = l->store.self ? DPC_OK : begin(l, h, key, err);
	if (rc == DPC_OK)
		rc = remote->acquire(&l->grant, &left, l->store.self, err);
	if (rc == DPC_MISS && deadline && !l->ear) {
		/* What ends between the two would not be heard: ask once more. */
		rc = remote->listen(&l->ear, key, h, err);
		if (rc == DPC_OK)
			rc = remote->acquire(&l->grant, &left, l->store.self, err);
	}
	if (rc == DPC_MISS && clock_mono_ns() >= deadline) {
		lease_end(l);
		return LEASE_TIMED_OUT;
	}
	if (rc == DPC_MISS)
		rc = await_end(l, left, deadline, waiting, context, err);
	else if (rc == DPC_OK)
		l->held = true;
	if (rc == DPC_OK && !l->held)
		return LEASE_ENDED;
	if (rc != DPC_OK)
		lease_end(l);
	stop_listening(l);
	l->renew_at = clock_mono_ns() + h->net.lease / 3;
	return rc == DPC_OK ? LEASE_HELD : LEASE_NONE;
}

int64_t lease_tick(struct lease *l)
{
	if (!l->held || l->lost)
		return DPC_FOREVER;
	int64_t now = clock_mono_ns();
	if (now < l->renew_at)
		return l->renew_at;
	l->lost = remote_of(l->store.home)->renew(&l->grant, l->store.self, NULL) == DPC_MISS;
	l->renew_at = now + l->grant.length / 3;
	return l->lost ? DPC_FOREVER : l->renew_at;
}

void lease_end(struct lease *l)
{
	if (l->store.home)
		stop_listening(l);
	if (l->held)
		remote_of(l->store.home)->release(&l->grant, l->store.self, NULL);
	store_close(&l->store);
	*l = LEASE_NONE_YET;
}
