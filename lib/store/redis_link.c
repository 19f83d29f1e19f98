#include "redis_link.h"

#include "breaker.h"
#include "idle.h"
#include "password.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t SECOND = 1000000000;

/* --- words --- */

void redis_add(struct redis_words *w, const void *data, size_t size)
{
	if (w->count < REDIS_WORDS)
		w->v[w->count++] = (struct slice){data ? data : "", size};
}

void redis_add_text(struct redis_words *w, const char *text)
{
	redis_add(w, text, strlen(text));
}

void redis_name(char out[REDIS_KEY], const struct redis_link *l, const char *word)
{
	const struct slice *ns = &l->home->net.ns;
	snprintf(out, REDIS_KEY, "dpc:%.*s:%s", (int)ns->size, (const char *)ns->data, word);
}

void redis_key(char out[REDIS_KEY], const struct redis_link *l, const struct digest *key, char kind)
{
	char hex[DIGEST_HEX], word[DIGEST_HEX + 8];
	digest_hex(hex, key);
	snprintf(word, sizeof word, "{%s}:%c", hex, kind);
	redis_name(out, l, word);
}

/* --- asking --- */

/* Not twice for one link: what comes behind its end only follows from that. */
static int break_off(struct redis_link *l, const dpc_error *why, dpc_error *err)
{
	if (!l->broken)
		breaker_note(l->home, 0, why);
	l->broken = true;
	return dpc__fail(err, why->code, "%s: %s", l->name, why->message);
}

int redis_say(struct redis_link *l, const struct redis_words *w, dpc_error *err)
{
	const char *argv[REDIS_WORDS];
	size_t sizes[REDIS_WORDS];
	char *text = NULL;
	for (size_t i = 0; i < w->count; i++) {
		argv[i] = (const char *)w->v[i].data;
		sizes[i] = w->v[i].size;
	}
	int n = redisFormatCommandArgv(&text, (int)w->count, argv, sizes);
	if (n >= 0)
		buf_put(&l->unsent, text, (size_t)n);
	redisFreeCommand(text);
	return n >= 0 && !l->unsent.failed ? DPC_OK : dpc__fail(err, DPC_E_MEMORY, "out of memory");
}

static int64_t patience(const struct redis_link *l)
{
	return clock_mono_ns() + l->home->net.io_timeout;
}

int redis_send(struct redis_link *l, dpc_error *err)
{
	if (l->broken)
		return dpc__fail(err, DPC_E_IO, "%s: the connection is lost", l->name);
	dpc_error why = {0};
	int rc = channel_send(&l->channel, l->unsent.data, l->unsent.size, patience(l), &why);
	l->unsent.size = 0;
	/* What was large once need not stay. */
	if (l->unsent.capacity > 1 << 20)
		buf_release(&l->unsent);
	return rc == DPC_OK ? rc : break_off(l, &why, err);
}

/* What the server says in an error is its own business; its first word tells whether it
 * is to be left alone for a while. */
static int refused(struct redis_link *l, const redisReply *r, dpc_error *err)
{
	static const char *const busy[] = {"LOADING", "MASTERDOWN", "CLUSTERDOWN", "BUSY"};
	dpc_error why = {.code = DPC_E_IO};
	snprintf(why.message, sizeof why.message, "the server says: %.200s", r->str);
	for (size_t i = 0; i < sizeof busy / sizeof *busy; i++)
		if (strncmp(r->str, busy[i], strlen(busy[i])) == 0)
			breaker_note(l->home, 0, &why);
	return dpc__fail(err, why.code, "%s: %s", l->name, why.message);
}

void redis_forget_answer(struct redis_link *l)
{
	l->unread++;
}

static int take(redisReply **out, struct redis_link *l, bool *came, dpc_error *err)
{
	static const dpc_error nonsense = {DPC_E_IO, "does not speak Redis' protocol"};
	void *reply = NULL;
	int rc = redisReaderGetReply(l->reader, &reply);
	for (; rc == REDIS_OK && reply && l->unread; l->unread--) {
		freeReplyObject(reply);
		reply = NULL;
		rc = redisReaderGetReply(l->reader, &reply);
	}
	if (rc != REDIS_OK)
		return break_off(l, &nonsense, err);
	*came = reply != NULL;
	*out = reply;
	if (!reply || (*out)->type != REDIS_REPLY_ERROR)
		return DPC_OK;
	rc = refused(l, *out, err);
	freeReplyObject(*out);
	*out = NULL;
	return rc;
}

int redis_answer_by(redisReply **out, struct redis_link *l, int64_t deadline, dpc_error *err)
{
	static const dpc_error no_memory = {DPC_E_MEMORY, "out of memory"};
	dpc_error why = {0};
	char bytes[16384];
	bool came = false;
	*out = NULL;
	int rc = l->unsent.size || l->broken ? redis_send(l, err) : DPC_OK;
	if (rc == DPC_OK)
		rc = take(out, l, &came, err);
	while (rc == DPC_OK && !came) {
		size_t n = 0;
		rc = channel_receive(&n, &l->channel, bytes, sizeof bytes, deadline, &why);
		if (rc < 0)
			return break_off(l, &why, err);
		if (rc == DPC_OK && redisReaderFeed(l->reader, bytes, n) != REDIS_OK)
			return break_off(l, &no_memory, err);
		if (rc == DPC_OK)
			rc = take(out, l, &came, err);
	}
	return rc;
}

int redis_answer(redisReply **out, struct redis_link *l, dpc_error *err)
{
	static const dpc_error late = {DPC_E_IO, "does not answer in time"};
	int rc = redis_answer_by(out, l, patience(l), err);
	return rc == DPC_MISS ? break_off(l, &late, err) : rc;
}

int redis_ask(redisReply **out, struct redis_link *l, const struct redis_words *w, dpc_error *err)
{
	*out = NULL;
	int rc = redis_say(l, w, err);
	return rc == DPC_OK ? redis_answer(out, l, err) : rc;
}

/* --- connecting --- */

static void release(struct redis_link *l)
{
	channel_close(&l->channel);
	if (l->reader)
		redisReaderFree(l->reader);
	buf_release(&l->unsent);
	free(l);
}

static int say_text(struct redis_link *l, dpc_error *err, const char *a, const char *b, const char *c)
{
	struct redis_words w = {.count = 0};
	redis_add_text(&w, a);
	if (b)
		redis_add_text(&w, b);
	if (c)
		redis_add_text(&w, c);
	return redis_say(l, &w, err);
}

static int introduce(struct redis_link *l, int *said, dpc_error *err)
{
	char password[PASSWORD_SIZE], user[NET_TEXT], number[16];
	const struct net *n = &l->home->net;
	int rc = password_find(password, err);
	net_text(user, n->user);
	if (rc == DPC_OK && *password) {
		rc = *user ? say_text(l, err, "AUTH", user, password) : say_text(l, err, "AUTH", password, NULL);
		++*said;
	}
	explicit_bzero(password, sizeof password);
	if (rc == DPC_OK && n->database) {
		snprintf(number, sizeof number, "%d", n->database);
		rc = say_text(l, err, "SELECT", number, NULL);
		++*said;
	}
	return rc == DPC_OK ? say_text(l, err, "TIME", NULL, NULL) : rc;
}

/* The clocks of machines that keep them right are no further apart than that. */
static int64_t ahead_by(const redisReply *time, int64_t asked)
{
	if (!time || time->type != REDIS_REPLY_ARRAY || time->elements != 2)
		return 0;
	int64_t server = strtoll(time->element[0]->str, NULL, 10) * SECOND + strtoll(time->element[1]->str, NULL, 10) * 1000;
	int64_t ahead = server - asked / 2 - clock_wall_ns() / 2;
	return ahead > -SECOND && ahead < SECOND ? 0 : ahead / SECOND * SECOND;
}

static int greet(struct redis_link *l, dpc_error *err)
{
	redisReply *r = NULL;
	int said = 0;
	int64_t asked = clock_wall_ns();
	int rc = introduce(l, &said, err);
	if (rc != DPC_OK)
		l->unsent.size = 0;
	for (int i = 0; rc == DPC_OK && i <= said; i++) {
		freeReplyObject(r);
		rc = redis_answer(&r, l, err);
	}
	if (rc == DPC_OK)
		l->ahead = ahead_by(r, asked);
	freeReplyObject(r);
	return rc;
}

static void name_link(struct redis_link *l)
{
	const struct net *n = &l->home->net;
	const struct slice *where = l->home->far == ENGINE_REDIS_UNIX ? &n->path : &n->hosts;
	snprintf(l->name, sizeof l->name, "%s://%.*s", engine_names[l->home->far].scheme, (int)where->size,
	         (const char *)where->data);
}

static int connect_channel(struct redis_link *l, dpc_error *err)
{
	char host[NET_TEXT], path[NET_TEXT], ca[NET_TEXT], port_text[8];
	const struct net *n = &l->home->net;
	struct channel_target to = {.tls = l->home->far == ENGINE_REDIS_TLS};
	struct slice hosts = n->hosts;
	int port;
	net_text(ca, n->ca);
	to.ca = n->ca.data ? ca : NULL;
	if (l->home->far == ENGINE_REDIS_UNIX) {
		net_text(path, n->path);
		to.path = path;
	} else if (net_next_host(host, &port, &hosts, 6379)) {
		snprintf(port_text, sizeof port_text, "%d", port);
		to.host = host;
		to.port = port_text;
	}
	return channel_connect(&l->channel, &to, patience(l), err);
}

int redis_link_open_another(struct redis_link **out, const struct home *h, dpc_error *err)
{
	struct redis_link *l = calloc(1, sizeof *l);
	*out = NULL;
	if (!l || !(l->reader = redisReaderCreate())) {
		free(l);
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	}
	l->channel = CHANNEL_NONE;
	l->process = process_number();
	l->home = h;
	name_link(l);
	dpc_error why = {0};
	int rc = breaker_check(h, 0, &why);
	if (rc != DPC_OK) {
		dpc__fail(err, rc, "%s: %s", l->name, why.message);
		goto out;
	}
	rc = connect_channel(l, &why);
	rc = rc == DPC_OK ? greet(l, err) : break_off(l, &why, err);
	if (rc == DPC_OK)
		breaker_clear(h, 0);
out:
	if (rc == DPC_OK)
		*out = l;
	else
		release(l);
	return rc;
}

/* --- those that are kept --- */

int redis_link_open(struct redis_link **out, const struct home *h, dpc_error *err)
{
	while ((*out = idle_take(h->place))) {
		(*out)->home = h;
		if ((*out)->unread || channel_is_quiet(&(*out)->channel))
			return DPC_OK;
		release(*out);
	}
	return redis_link_open_another(out, h, err);
}

void redis_link_close(struct redis_link *l)
{
	uint64_t place = l->home->place;
	/* One that is a parent's is the parent's still. */
	bool usable = l->process == process_number() && !l->broken && !l->unsent.size &&
	              (l->unread || channel_is_quiet(&l->channel));
	l->home = NULL;
	if (!usable || !idle_give(l, place))
		release(l);
}
