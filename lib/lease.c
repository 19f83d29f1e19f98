#include "lease.h"

#include "clock.h"
#include "os.h"

#include <stdio.h>

static const int64_t SLICE = INT64_C(100) * 1000000;

static const struct remote_ops *remote_of(const struct home *h)
{
	const struct store_ops *ops = store_engine(h->engine);
	return ops ? ops->remote : NULL;
}

bool lease_is_needed(const struct home *h)
{
	const struct remote_ops *remote = remote_of(h);
	return remote && !h->net.read_only;
}

static int begin(struct lease *l, const struct home *h, const struct digest *key, dpc_error *err)
{
	struct digest token;
	if (os_random(&token, sizeof token) < 0)
		return dpc__fail_errno(err, "cannot get random bytes");
	l->grant = (struct grant){.key = *key, .length = h->net.lease};
	digest_hex(l->grant.token, &token);
	return store_open(&l->store, h, false, err);
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
