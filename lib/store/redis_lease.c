/* Among machines: one run per key, by a lease on the server.
 *
 * The lease's key holds "FENCE:TOKEN" and expires by the server's clock; each grant's
 * fencing number is greater than the last one's. Renewal and release compare first, in one
 * step with what they do; and so does the put (redis.c). One's own lease, of a leader who
 * died, is taken over under a new number. Whoever was paused past his lease
 * finds another's there, or none, and changes nothing.
 *
 * The end of a lease is published under the name of its key, on a link of its own: a link
 * that listens can ask nothing. */
#include "redis.h"

#include "clock.h"
#include "trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t MS = 1000000;

/* --- what holds for all --- */

static int secret(uint8_t out[16], const struct home *h, dpc_error *err)
{
	return trust_secret(out, &h->net, err);
}

/* A server that lost it begins at its own present, past all there was. */
static const char FLOOR[] = "local there = redis.call('GET', KEYS[1]) "
                            "if there and ARGV[1] == '0' then return there end "
                            "local t = redis.call('TIME') "
                            "local now = t[1] * 1000000 + t[2] "
                            "if there and now <= tonumber(there) then now = tonumber(there) + 1 end "
                            "now = string.format('%.0f', now) "
                            "redis.call('SET', KEYS[1], now) "
                            "return now";

static int read_floor(redisReply **r, struct redis_store *s, const char *name, dpc_error *err)
{
	struct redis_words w = {.count = 0};
	redis_add_text(&w, "GET");
	redis_add_text(&w, name);
	return redis_ask(r, s->link, &w, err);
}

static int floor_now(uint64_t *out, void *self, bool raise, dpc_error *err)
{
	struct redis_store *s = self;
	char name[REDIS_KEY];
	struct redis_words w;
	redisReply *r = NULL;
	int rc;
	redis_name(name, s->link, "floor");
	redis_script(&w, FLOOR, 1);
	redis_add_text(&w, name);
	redis_add_text(&w, raise ? "1" : "0");
	if (!s->home->net.read_only)
		rc = redis_ask(&r, s->link, &w, err);
	else if (!raise)
		rc = read_floor(&r, s, name, err);
	else
		rc = dpc__fail(err, DPC_E_DENIED, "%s: is opened for reading only", s->link->name);
	if (rc == DPC_OK)
		*out = (uint64_t)redis_number(r);
	freeReplyObject(r);
	return rc;
}

/* --- a lease --- */

static const char ACQUIRE[] = "local left = redis.call('PTTL', KEYS[1]) "
                              "if left >= 0 and string.sub(redis.call('GET', KEYS[1]), -#ARGV[1]) ~= ARGV[1] then return {0, left} end "
                              "local t = redis.call('TIME') "
                              "local fence = t[1] * 1000000 + t[2] "
                              "local last = tonumber(redis.call('GET', KEYS[2]) or '0') "
                              "if fence <= last then fence = last + 1 end "
                              "fence = string.format('%.0f', fence) "
                              "redis.call('SET', KEYS[2], fence, 'PX', 86400000) "
                              "redis.call('SET', KEYS[1], fence .. ':' .. ARGV[1], 'PX', ARGV[2]) "
                              "return {1, fence}";

static const char RENEW[] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
                            "return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

static const char RELEASE[] = "local held = redis.call('GET', KEYS[1]) "
                              "if held and held ~= ARGV[1] then return 0 end "
                              "redis.call('DEL', KEYS[1]) "
                              "redis.call('PUBLISH', KEYS[1], '') "
                              "return 1";

static void milliseconds(char out[24], int64_t ns)
{
	snprintf(out, 24, "%lld", (long long)(ns / MS > 0 ? ns / MS : 1));
}

/* Script and words of what is done to a lease that is held. */
static int say_of_held(struct redis_store *s, const char *script, const struct grant *g, dpc_error *err)
{
	char name[REDIS_KEY], holder[64], length[24];
	struct redis_words w;
	redis_script(&w, script, 1);
	redis_key(name, s->link, &g->key, 'l');
	snprintf(holder, sizeof holder, "%llu:%s", (unsigned long long)g->fence, g->token);
	milliseconds(length, g->length);
	redis_add_text(&w, name);
	redis_add_text(&w, holder);
	redis_add_text(&w, length);
	return redis_say(s->link, &w, err);
}

static int acquire(struct grant *g, int64_t *left, void *self, dpc_error *err)
{
	struct redis_store *s = self;
	char lease[REDIS_KEY], fence[REDIS_KEY], length[24];
	struct redis_words w;
	redisReply *r;
	redis_script(&w, ACQUIRE, 2);
	redis_key(lease, s->link, &g->key, 'l');
	redis_key(fence, s->link, &g->key, 'f');
	milliseconds(length, g->length);
	redis_add_text(&w, lease);
	redis_add_text(&w, fence);
	redis_add_text(&w, g->token);
	redis_add_text(&w, length);
	int rc = redis_ask(&r, s->link, &w, err);
	if (rc == DPC_OK && (r->type != REDIS_REPLY_ARRAY || r->elements != 2))
		rc = dpc__fail(err, DPC_E_IO, "%s: answers as no Redis does", s->link->name);
	if (rc == DPC_OK && redis_number(r->element[0]) == 1) {
		g->fence = (uint64_t)redis_number(r->element[1]);
	} else if (rc == DPC_OK) {
		*left = redis_number(r->element[1]) * MS;
		rc = DPC_MISS;
	}
	freeReplyObject(r);
	return rc;
}

/* A link that broke in mid-run is made anew: the server may only have been restarted. */
static int mend(struct redis_store *s, dpc_error *err)
{
	if (!s->link->broken)
		return DPC_OK;
	struct redis_link *fresh;
	int rc = redis_link_open(&fresh, s->home, err);
	if (rc != DPC_OK)
		return rc;
	redis_link_close(s->link);
	s->link = fresh;
	s->renewing = false;
	return DPC_OK;
}

/* The answer to the last renewal, where it has come. */
static int take_renewal(struct redis_store *s, int64_t deadline, dpc_error *err)
{
	redisReply *r = NULL;
	if (!s->renewing || s->link->broken)
		return DPC_OK;
	int rc = redis_answer_by(&r, s->link, deadline, err);
	if (rc == DPC_MISS)
		return DPC_OK;
	s->renewing = false;
	if (rc == DPC_OK && redis_number(r) == 0)
		rc = DPC_MISS;
	freeReplyObject(r);
	return rc;
}

static int renew(const struct grant *g, void *self, dpc_error *err)
{
	struct redis_store *s = self;
	int rc = take_renewal(s, clock_mono_ns(), err);
	if (rc == DPC_OK || rc == DPC_E_IO)
		rc = rc == DPC_E_IO || !s->renewing ? mend(s, err) : DPC_OK;
	if (rc != DPC_OK || s->renewing)
		return rc;
	rc = say_of_held(s, RENEW, g, err);
	if (rc == DPC_OK)
		rc = redis_send(s->link, err);
	s->renewing = rc == DPC_OK;
	return rc;
}

/* What was begun before the link is used for anything else. */
static int settle(struct redis_store *s, dpc_error *err)
{
	int rc = take_renewal(s, clock_mono_ns() + s->home->net.io_timeout, err);
	if (s->renewing)
		s->link->broken = true;
	return rc < 0 || s->link->broken ? mend(s, err) : DPC_OK;
}

static int release(const struct grant *g, void *self, dpc_error *err)
{
	struct redis_store *s = self;
	int rc = settle(s, err);
	if (rc == DPC_OK)
		rc = say_of_held(s, RELEASE, g, err);
	if (rc == DPC_OK)
		rc = redis_send(s->link, err);
	if (rc == DPC_OK)
		redis_forget_answer(s->link);
	return rc;
}

/* --- hearing of its end --- */

static void close_ear(void *ear)
{
	struct redis_link *l = ear;
	if (!l)
		return;
	/* It listens, and so is no use to anybody else. */
	l->broken = true;
	redis_link_close(l);
}

static int listen_to(void **ear, const struct digest *key, const struct home *h, dpc_error *err)
{
	char name[REDIS_KEY];
	struct redis_words w = {.count = 0};
	struct redis_link *l;
	redisReply *r = NULL;
	*ear = NULL;
	int rc = redis_link_open_another(&l, h, err);
	if (rc != DPC_OK)
		return rc;
	redis_key(name, l, key, 'l');
	redis_add_text(&w, "SUBSCRIBE");
	redis_add_text(&w, name);
	rc = redis_ask(&r, l, &w, err);
	freeReplyObject(r);
	if (rc == DPC_OK)
		*ear = l;
	else
		close_ear(l);
	return rc;
}

static int hear(void *ear, int64_t deadline, dpc_error *err)
{
	redisReply *r = NULL;
	int rc = redis_answer_by(&r, ear, deadline, err);
	freeReplyObject(r);
	return rc;
}

const struct remote_ops redis_remote = {
    .secret = secret,
    .floor = floor_now,
    .acquire = acquire,
    .renew = renew,
    .release = release,
    .listen = listen_to,
    .hear = hear,
    .close_ear = close_ear,
};
