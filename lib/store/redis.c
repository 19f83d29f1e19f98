/* The Redis engine, for Redis and Valkey: entries as strings, signed (envelope.h), a hash
 * of uses beside each, and a hash of counters.
 *
 *   dpc:NS:{KEY}:v   the entry; expires a day past the time for which it is of use
 *   dpc:NS:{KEY}:u   hash: hits, used
 *   dpc:NS:{KEY}:l   who runs it, and its fencing number (redis_lease.c)
 *   dpc:NS:{KEY}:f   the last fencing number
 *   dpc:NS:counters  hash: a field for each counter
 *   dpc:NS:floor     generation in force, in us by the server's clock
 */
#include "redis.h"

#include "plugin.h"
#include "sign.h"
#include "trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct envelope_rules redis_rules(const struct redis_store *s)
{
	const struct net *n = &s->home->net;
	return (struct envelope_rules){.signer = s->signer, .ns = n->ns, .zstd = n->zstd, .ahead = s->link->ahead};
}

void redis_script(struct redis_words *w, const char *script, int keys)
{
	static const char *const numbers[] = {"0", "1", "2", "3"};
	*w = (struct redis_words){.count = 0};
	redis_add_text(w, "EVAL");
	redis_add_text(w, script);
	redis_add_text(w, numbers[keys]);
}

int64_t redis_number(const redisReply *r)
{
	return r && r->type == REDIS_REPLY_INTEGER ? r->integer
	       : r && r->str                       ? strtoll(r->str, NULL, 10)
	                                           : 0;
}

/* --- opening --- */

static void redis_close(void *self)
{
	struct redis_store *s = self;
	if (s->link)
		redis_link_close(s->link);
	signer_close(s->signer);
	free(s);
}

static int redis_open(void **self, const struct home *h, enum store_access access, dpc_error *err)
{
	(void)access;
	struct redis_store *s = calloc(1, sizeof *s);
	if (!s)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	s->home = h;
	int rc = trust_signer(&s->signer, &h->net, err);
	if (rc == DPC_OK)
		rc = redis_link_open(&s->link, h, err);
	if (rc == DPC_OK)
		*self = s;
	else
		redis_close(s);
	return rc;
}

static const char *version(void)
{
	static char text[32];
	snprintf(text, sizeof text, "(hiredis %d.%d.%d)", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
	return text;
}

/* --- words and answers --- */

static struct redis_words ask_of(struct redis_store *s, char name[REDIS_KEY], const char *verb, const struct digest *key,
                                 char kind)
{
	struct redis_words w = {.count = 0};
	redis_key(name, s->link, key, kind);
	redis_add_text(&w, verb);
	redis_add_text(&w, name);
	return w;
}

static int refuse_writing(const struct redis_store *s, dpc_error *err)
{
	return s->home->net.read_only ? dpc__fail(err, DPC_E_DENIED, "%s: is opened for reading only", s->link->name) : DPC_OK;
}

static struct slice bytes_of(const redisReply *r)
{
	return (struct slice){(const uint8_t *)r->str, r->str ? r->len : 0};
}

/* --- entries --- */

static int get(void *self, const struct digest *key, struct buf *capsule, struct buf *file, dpc_error *err)
{
	struct redis_store *s = self;
	struct envelope_rules rules = redis_rules(s);
	struct entry_info info;
	char name[REDIS_KEY];
	redisReply *r;
	(void)file;
	struct redis_words w = ask_of(s, name, "GET", key, 'v');
	int rc = redis_ask(&r, s->link, &w, err);
	if (rc == DPC_OK)
		rc = r->type == REDIS_REPLY_STRING ? envelope_open(&info, capsule, bytes_of(r), key, &rules, err) : DPC_MISS;
	freeReplyObject(r);
	return rc < 0 && rc != DPC_E_IO ? dpc__context(err, rc, "%s", s->link->name) : rc;
}

static int look_at(struct redis_store *s, const struct digest *key, struct entry_info *info, size_t *size, dpc_error *err)
{
	struct envelope_rules rules = redis_rules(s);
	char name[REDIS_KEY], end[24];
	redisReply *r;
	snprintf(end, sizeof end, "%zu", *size - 1);
	struct redis_words w = ask_of(s, name, "GETRANGE", key, 'v');
	redis_add_text(&w, "0");
	redis_add_text(&w, end);
	int rc = redis_ask(&r, s->link, &w, err);
	if (rc == DPC_OK && !r->len) {
		rc = DPC_MISS;
		*size = 0;
	} else if (rc == DPC_OK) {
		size_t need = 0, asked = *size;
		rc = envelope_peek(info, &need, bytes_of(r), key, &rules, err);
		*size = rc == DPC_MISS && r->len == asked ? need : 0;
		info->label = (struct slice){NULL, 0};
		if (rc == DPC_MISS && !*size)
			rc = dpc__fail(err, DPC_E_CORRUPT, "a value on the server is cut short");
	}
	freeReplyObject(r);
	return rc;
}

static int look(void *self, const struct digest *key, struct entry_info *info, dpc_error *err)
{
	size_t size = ENVELOPE_PEEK;
	int rc = look_at(self, key, info, &size, err);
	return rc == DPC_MISS && size ? look_at(self, key, info, &size, err) : rc;
}

static void expiry_of(char out[24], const struct entry_info *info)
{
	int64_t left = envelope_lifetime(info);
	snprintf(out, 24, "%lld", left == DPC_FOREVER ? 0LL : (long long)(left / 1000000));
}

/* The lease and its fencing number are looked at in the very step that stores. */
static const char PUT[] =
    "if ARGV[3] ~= '' and (redis.call('GET', KEYS[2]) ~= ARGV[3] or redis.call('GET', KEYS[3]) ~= ARGV[4]) then return 0 end "
    "if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1]) "
    "else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end "
    "return 1";

static int put_sealed(struct redis_store *s, const struct entry_info *info, struct slice sealed, dpc_error *err)
{
	char names[3][REDIS_KEY], expiry[24], holder[64] = "", fence[24] = "";
	struct redis_words w;
	redisReply *r;
	const struct grant *g = info->grant;
	redis_script(&w, PUT, 3);
	redis_key(names[0], s->link, &info->key, 'v');
	redis_key(names[1], s->link, g ? &g->key : &info->key, 'l');
	redis_key(names[2], s->link, g ? &g->key : &info->key, 'f');
	if (g) {
		snprintf(fence, sizeof fence, "%llu", (unsigned long long)g->fence);
		snprintf(holder, sizeof holder, "%s:%s", fence, g->token);
	}
	expiry_of(expiry, info);
	for (int i = 0; i < 3; i++)
		redis_add_text(&w, names[i]);
	redis_add(&w, sealed.data, sealed.size);
	redis_add_text(&w, expiry);
	redis_add_text(&w, holder);
	redis_add_text(&w, fence);
	int rc = redis_ask(&r, s->link, &w, err);
	if (rc == DPC_OK && redis_number(r) != 1)
		rc = DPC_MISS;
	freeReplyObject(r);
	return rc;
}

static int put(void *self, const struct entry_info *info, struct slice capsule, struct buf *old_file, dpc_error *err)
{
	struct redis_store *s = self;
	struct envelope_rules rules = redis_rules(s);
	struct buf sealed = {0};
	(void)old_file;
	int rc = refuse_writing(s, err);
	if (rc == DPC_OK)
		rc = envelope_seal(&sealed, s->home, info, capsule, &rules, err);
	if (rc == DPC_OK)
		rc = put_sealed(s, info, (struct slice){sealed.data, sealed.size}, err);
	buf_release(&sealed);
	return rc;
}

/* Whoever runs it now runs it in vain. */
static const char REMOVE[] = "redis.call('DEL', KEYS[2], KEYS[3]) return redis.call('DEL', KEYS[1])";

static int remove_entry(void *self, const struct digest *key, struct buf *old_file, dpc_error *err)
{
	static const char kinds[] = "vul";
	struct redis_store *s = self;
	char names[3][REDIS_KEY];
	struct redis_words w;
	redisReply *r = NULL;
	(void)old_file;
	redis_script(&w, REMOVE, 3);
	for (int i = 0; i < 3; i++) {
		redis_key(names[i], s->link, key, kinds[i]);
		redis_add_text(&w, names[i]);
	}
	int rc = refuse_writing(s, err);
	if (rc == DPC_OK)
		rc = redis_ask(&r, s->link, &w, err);
	if (rc == DPC_OK && redis_number(r) == 0)
		rc = DPC_MISS;
	freeReplyObject(r);
	return rc;
}

/* Each command is a piece of work of its own there. */
static int batch(void *self, bool begin, dpc_error *err)
{
	(void)self;
	(void)begin;
	(void)err;
	return DPC_OK;
}

/* --- counting --- */

/* Read and throw away. The first error is the one that counts. */
static int drain(struct redis_store *s, size_t answers, dpc_error *err)
{
	int result = DPC_OK;
	for (size_t i = 0; i < answers && !s->link->broken; i++) {
		redisReply *r;
		int rc = redis_answer(&r, s->link, result == DPC_OK ? err : NULL);
		freeReplyObject(r);
		result = result == DPC_OK ? rc : result;
	}
	return result;
}

static int say_counters(struct redis_store *s, const struct counters *add, size_t *said, dpc_error *err)
{
	char name[REDIS_KEY], field[16], by[24];
	redis_name(name, s->link, "counters");
	int rc = DPC_OK;
	for (int i = 0; i < COUNTER_COUNT && rc == DPC_OK; i++) {
		struct redis_words w = {.count = 0};
		if (!add->v[i])
			continue;
		snprintf(field, sizeof field, "%d", i);
		snprintf(by, sizeof by, "%lld", (long long)add->v[i]);
		redis_add_text(&w, "HINCRBY");
		redis_add_text(&w, name);
		redis_add_text(&w, field);
		redis_add_text(&w, by);
		rc = redis_say(s->link, &w, err);
		*said += rc == DPC_OK;
	}
	return rc;
}

/* Only entries that are there: a named hit may outlive its entry. With the entry its uses go. */
static const char HIT[] = "local left = redis.call('PTTL', KEYS[1]) "
                          "if left == -2 then return 0 end "
                          "redis.call('HINCRBY', KEYS[2], 'hits', 1) "
                          "local used = redis.call('HGET', KEYS[2], 'used') "
                          "if not used or #used < #ARGV[1] or (#used == #ARGV[1] and used < ARGV[1]) then "
                          "redis.call('HSET', KEYS[2], 'used', ARGV[1]) end "
                          "if left > 0 then redis.call('PEXPIRE', KEYS[2], left) end "
                          "return 1";

static int say_hit(struct redis_store *s, const struct event_record *hit, dpc_error *err)
{
	char entry[REDIS_KEY], uses[REDIS_KEY], when[24];
	struct redis_words w;
	redis_script(&w, HIT, 2);
	redis_key(entry, s->link, &hit->key, 'v');
	redis_key(uses, s->link, &hit->key, 'u');
	snprintf(when, sizeof when, "%lld", (long long)hit->time);
	redis_add_text(&w, entry);
	redis_add_text(&w, uses);
	redis_add_text(&w, when);
	return redis_say(s->link, &w, err);
}

static int count(void *self, const struct counters *add, const struct event_record *hits, size_t n, dpc_error *err)
{
	enum { AT_ONCE = 256 };
	struct redis_store *s = self;
	size_t said = 0;
	int rc = s->home->net.read_only ? DPC_MISS : say_counters(s, add, &said, err);
	if (rc == DPC_MISS)
		return DPC_OK;
	for (size_t i = 0; i < n && rc == DPC_OK; i++) {
		rc = say_hit(s, &hits[i], err);
		said += rc == DPC_OK;
		if (rc == DPC_OK && said >= AT_ONCE) {
			rc = drain(s, said, err);
			said = 0;
		}
	}
	int rest = drain(s, said, rc == DPC_OK ? err : NULL);
	return rc == DPC_OK ? rest : rc;
}

static int totals(void *self, struct counters *out, dpc_error *err)
{
	struct redis_store *s = self;
	char name[REDIS_KEY];
	struct redis_words w = {.count = 0};
	redisReply *r;
	*out = (struct counters){{0}};
	redis_name(name, s->link, "counters");
	redis_add_text(&w, "HGETALL");
	redis_add_text(&w, name);
	int rc = redis_ask(&r, s->link, &w, err);
	for (size_t i = 0; rc == DPC_OK && i + 1 < r->elements; i += 2) {
		int64_t id = redis_number(r->element[i]);
		if (id >= 0 && id < COUNTER_COUNT)
			out->v[id] = redis_number(r->element[i + 1]);
	}
	freeReplyObject(r);
	return rc;
}

static int reset_totals(void *self, dpc_error *err)
{
	struct redis_store *s = self;
	char name[REDIS_KEY];
	struct redis_words w = {.count = 0};
	redisReply *r = NULL;
	redis_name(name, s->link, "counters");
	redis_add_text(&w, "DEL");
	redis_add_text(&w, name);
	int rc = refuse_writing(s, err);
	if (rc == DPC_OK)
		rc = redis_ask(&r, s->link, &w, err);
	freeReplyObject(r);
	return rc;
}

/* --- the server's own affairs --- */

static int check(void *self, dpc_error *err)
{
	struct redis_store *s = self;
	struct redis_words w = {.count = 0};
	redisReply *r;
	redis_add_text(&w, "PING");
	int rc = redis_ask(&r, s->link, &w, err);
	freeReplyObject(r);
	return rc;
}

static int compact(void *self, dpc_error *err)
{
	(void)self;
	(void)err;
	return DPC_OK;
}

static int quarantine(const struct home *h, char *moved, size_t size, dpc_error *err)
{
	(void)h;
	(void)moved;
	(void)size;
	return dpc__fail(err, DPC_E_USAGE, "a server's data is not ours to move aside");
}

const struct store_ops store_redis = {
    .name = "redis",
    .version = version,
    .open = redis_open,
    .close = redis_close,
    .get = get,
    .put = put,
    .remove = remove_entry,
    .batch = batch,
    .look = look,
    .each = redis_each,
    .count = count,
    .totals = totals,
    .reset_totals = reset_totals,
    .check = check,
    .compact = compact,
    .quarantine = quarantine,
    .remote = &redis_remote,
    .keeps = true,
};

STORE_PLUGIN(&store_redis);
