/* Among machines: one run per key, by a lease on the server that has the key's.
 *
 * The lease's item holds "FENCE:TOKEN" and expires by itself. Getting it is an add, which one
 * of many can do; one's own, of a leader who died, is taken over by CAS. Renewal and release read it,
 * compare, and change it by CAS, release to an item that has expired already. So no lease but one's own is
 * ever touched. What keeps a lost lease from storing anything is memcached.c's.
 *
 * A fencing number begins at the present, in us, and is counted up; one that the server has
 * dropped begins at the then present, which is later. The token, which is random, is what the
 * comparisons rest on: machines' clocks may differ.
 *
 * Servers count seconds and tell nobody of a release: so a lease lasts up to two seconds longer
 * than was asked for, and who awaits its end looks again and again, more and more seldom. */
#include "memcached.h"

#include "clock.h"
#include "trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t SECOND = 1000000000;

enum { TRIES = 16, HOLDER = 64 };

static bool is_text(const struct mc_item *item, const char *text)
{
	return item->data.size == strlen(text) && (!*text || memcmp(item->data.data, text, item->data.size) == 0);
}

static uint64_t present(void)
{
	return (uint64_t)(clock_wall_ns() / 1000);
}

/* --- what holds for all --- */

static int secret(uint8_t out[16], const struct home *h, dpc_error *err)
{
	return trust_secret(out, &h->net, err);
}

/* It is raised where it is no higher than *from. DPC_MISS: somebody else has just changed it, or
 * it was dropped. */
static int floor_once(uint64_t *out, uint64_t *from, const struct mc_store *s, const char *name,
                      dpc_error *err)
{
	struct mc_item there = {.cas = 0};
	int rc = mc_get(&there, s->link, name, err);
	uint64_t now = present(), old = rc == DPC_OK ? mc_number(&there) : 0;
	*out = old;
	if (rc == DPC_MISS && s->home->net.read_only) {
		rc = DPC_OK;
	} else if (rc == DPC_MISS) {
		*out = now;
		rc = mc_put_number(s->link, name, now, MC_FOREVER, NULL, err);
	} else if (rc == DPC_OK && old <= *from) {
		*out = now > old ? now : old + 1;
		*from = old;
		rc = mc_put_number(s->link, name, *out, MC_FOREVER, &there, err);
	}
	buf_release(&there.data);
	return rc;
}

/* Whoever raised it since we first looked has done it for us, too. There is no server's clock to
 * ask: machines' clocks do, for the number only ever grows. One that was dropped, or was on a
 * server that has been restarted, begins at the present: what was before is forgotten with it. */
static int floor_now(uint64_t *out, void *self, bool raise, dpc_error *err)
{
	const struct mc_store *s = self;
	char name[MC_NAME];
	uint64_t from = raise ? UINT64_MAX : 0;
	int rc = raise ? mc_refuse_writing(s, err) : DPC_OK;
	if (rc != DPC_OK)
		return rc;
	mc_name(name, s->link, "floor");
	rc = DPC_MISS;
	for (int i = 0; rc == DPC_MISS && i < TRIES; i++)
		rc = floor_once(out, &from, s, name, err);
	return rc == DPC_MISS ? dpc__fail(err, DPC_E_BUSY, "memcached: the floor is changed all the time") : rc;
}

/* --- a lease --- */

static void holder_of(char out[HOLDER], const struct grant *g)
{
	snprintf(out, HOLDER, "%llu:%s", (unsigned long long)g->fence, g->token);
}

static struct mc_new lease_item(const char *name, const char *holder, time_t expiry)
{
	return (struct mc_new){name, {(const uint8_t *)holder, strlen(holder)}, expiry};
}

int mc_lease_holds(struct mc_link *l, const struct grant *g, dpc_error *err)
{
	struct mc_item there = {.cas = 0};
	char name[MC_NAME], holder[HOLDER];
	mc_key(name, l, &g->key, "l");
	holder_of(holder, g);
	int rc = mc_get(&there, l, name, err);
	if (rc == DPC_OK && !is_text(&there, holder))
		rc = DPC_MISS;
	buf_release(&there.data);
	return rc;
}

static int next_fence(uint64_t *out, struct mc_link *l, const struct digest *key, dpc_error *err)
{
	char name[MC_NAME];
	int rc = DPC_MISS;
	mc_key(name, l, key, "f");
	for (int i = 0; rc == DPC_MISS && i < TRIES; i++) {
		rc = mc_increment(out, l, name, 1, err);
		if (rc == DPC_MISS) {
			*out = present();
			rc = mc_put_number(l, name, *out, MC_MONTH, NULL, err);
		}
	}
	return rc;
}

/* Of a leader who died here, say. */
static bool is_ours(const struct mc_item *item, const struct grant *g)
{
	size_t size = strlen(g->token);
	return item->data.size > size && memcmp(item->data.data + item->data.size - size, g->token, size) == 0;
}

/* For how much longer somebody has it is not to be learned: as long as we would, at most. */
static int acquire(struct grant *g, int64_t *left, void *self, dpc_error *err)
{
	struct mc_link *l = ((struct mc_store *)self)->link;
	struct mc_item there = {.cas = 0};
	char name[MC_NAME], holder[HOLDER];
	mc_key(name, l, &g->key, "l");
	*left = g->length + 2 * SECOND;
	int rc = mc_get(&there, l, name, err);
	bool none = rc == DPC_MISS;
	if (none || (rc == DPC_OK && is_ours(&there, g)))
		rc = next_fence(&g->fence, l, &g->key, err);
	else if (rc == DPC_OK)
		rc = DPC_MISS;
	if (rc == DPC_OK) {
		holder_of(holder, g);
		const struct mc_new item = lease_item(name, holder, mc_expiry(g->length));
		rc = none ? mc_add(l, &item, err) : mc_replace(l, &item, &there, err);
	}
	buf_release(&there.data);
	return rc;
}

/* A lease that is held, to expire then. DPC_MISS: it is lost. */
static int change(struct mc_link *l, const struct grant *g, time_t expiry, dpc_error *err)
{
	struct mc_item there = {.cas = 0};
	char name[MC_NAME], holder[HOLDER];
	mc_key(name, l, &g->key, "l");
	holder_of(holder, g);
	const struct mc_new item = lease_item(name, holder, expiry);
	int rc = mc_get(&there, l, name, err);
	if (rc == DPC_OK)
		rc = is_text(&there, holder) ? mc_replace(l, &item, &there, err) : DPC_MISS;
	buf_release(&there.data);
	return rc;
}

/* Here the answers are waited for, also to a release; a server that is down only until its
 * time-out, once: from then on it is left alone. */
static int renew(const struct grant *g, void *self, dpc_error *err)
{
	return change(((struct mc_store *)self)->link, g, mc_expiry(g->length), err);
}

static int release(const struct grant *g, void *self, dpc_error *err)
{
	return change(((struct mc_store *)self)->link, g, MC_AT_AN_END, err);
}

/* --- hearing of its end --- */

static const int64_t SHORTEST_NAP = 2000000, LONGEST_NAP = 50000000;

struct ear {
	struct mc_link *link;
	char name[MC_NAME], seen[HOLDER]; /* whose it was when it was last looked at; "": nobody's */
	int64_t nap;
};

static void close_ear(void *self)
{
	struct ear *ear = self;
	if (ear && ear->link)
		mc_link_close(ear->link);
	free(ear);
}

/* DPC_MISS: it is still the same machine's. */
static int look_at_lease(struct ear *ear, dpc_error *err)
{
	struct mc_item there = {.cas = 0};
	int rc = mc_get(&there, ear->link, ear->name, err);
	char whose[HOLDER] = "";
	if (rc == DPC_OK)
		snprintf(whose, sizeof whose, "%.*s", (int)there.data.size, (const char *)there.data.data);
	buf_release(&there.data);
	if (rc < 0)
		return rc;
	bool same = *whose && strcmp(whose, ear->seen) == 0;
	memcpy(ear->seen, whose, sizeof whose);
	return same ? DPC_MISS : DPC_OK;
}

static int listen_to(void **out, const struct digest *key, const struct home *h, dpc_error *err)
{
	struct ear *ear = calloc(1, sizeof *ear);
	*out = NULL;
	if (!ear)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	int rc = mc_link_open(&ear->link, h, err);
	if (rc == DPC_OK) {
		mc_key(ear->name, ear->link, key, "l");
		ear->nap = SHORTEST_NAP;
		rc = look_at_lease(ear, err);
	}
	if (rc >= 0)
		*out = ear;
	else
		close_ear(ear);
	return rc < 0 ? rc : DPC_OK;
}

static void nap(int64_t ns)
{
	struct timespec t = {ns / SECOND, ns % SECOND};
	nanosleep(&t, NULL);
}

static int hear(void *self, int64_t deadline, dpc_error *err)
{
	struct ear *ear = self;
	for (;;) {
		int rc = look_at_lease(ear, err);
		int64_t left = deadline - clock_mono_ns();
		if (rc == DPC_OK)
			ear->nap = SHORTEST_NAP;
		if (rc != DPC_MISS || left <= 0)
			return rc;
		nap(ear->nap < left ? ear->nap : left);
		ear->nap = ear->nap * 2 < LONGEST_NAP ? ear->nap * 2 : LONGEST_NAP;
	}
}

const struct remote_ops memcached_remote = {
    .secret = secret,
    .floor = floor_now,
    .acquire = acquire,
    .renew = renew,
    .release = release,
    .listen = listen_to,
    .hear = hear,
    .close_ear = close_ear,
};
