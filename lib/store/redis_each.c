/* Visiting all entries of a namespace on a Redis server. SCAN finds them, however many others
 * there are and whatever is written meanwhile: all that are there from its beginning to its
 * end, and some more than once. */
#include "redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was learned of an entry; its label lies in `labels`. */
struct found {
	struct entry_info info;
	size_t label_at;
};

/* A head that is longer than what was asked for. */
struct longer {
	struct digest key;
	size_t need;
	uint64_t hits;
	int64_t used;
};

struct listing {
	struct redis_store *store;
	struct buf found, labels;
	struct buf longer; /* yet to be asked for */
};

static bool key_of_name(struct digest *key, const redisReply *name)
{
	const char *open = name->str ? strrchr(name->str, '{') : NULL;
	return open && strlen(open) >= DIGEST_HEX && digest_from_hex(key, open + 1);
}

/* --- one step of SCAN --- */

static int scan(redisReply **out, struct redis_store *s, const char *cursor, dpc_error *err)
{
	char pattern[REDIS_KEY];
	struct redis_words w = {.count = 0};
	redis_name(pattern, s->link, "{*}:v");
	redis_add_text(&w, "SCAN");
	redis_add_text(&w, cursor);
	redis_add_text(&w, "MATCH");
	redis_add_text(&w, pattern);
	redis_add_text(&w, "COUNT");
	redis_add_text(&w, "500");
	int rc = redis_ask(out, s->link, &w, err);
	if (rc != DPC_OK || ((*out)->type == REDIS_REPLY_ARRAY && (*out)->elements == 2 && (*out)->element[0]->str))
		return rc;
	freeReplyObject(*out);
	*out = NULL;
	return dpc__fail(err, DPC_E_IO, "%s: answers SCAN as no Redis does", s->link->name);
}

/* Head and uses of each, asked for together. */
static int say_details(struct redis_store *s, const redisReply *names, dpc_error *err)
{
	char uses[REDIS_KEY], end[24];
	struct digest key;
	int rc = DPC_OK;
	snprintf(end, sizeof end, "%d", ENVELOPE_PEEK - 1);
	for (size_t i = 0; i < names->elements && rc == DPC_OK; i++) {
		struct redis_words head = {.count = 0}, more = {.count = 0};
		if (!key_of_name(&key, names->element[i]))
			continue;
		redis_add_text(&head, "GETRANGE");
		redis_add_text(&head, names->element[i]->str);
		redis_add_text(&head, "0");
		redis_add_text(&head, end);
		redis_key(uses, s->link, &key, 'u');
		redis_add_text(&more, "HMGET");
		redis_add_text(&more, uses);
		redis_add_text(&more, "hits");
		redis_add_text(&more, "used");
		rc = redis_say(s->link, &head, err);
		if (rc == DPC_OK)
			rc = redis_say(s->link, &more, err);
	}
	return rc;
}

struct uses {
	uint64_t hits;
	int64_t used;
};

static struct uses uses_of(const redisReply *r)
{
	struct uses none = {0, 0};
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 2)
		return none;
	return (struct uses){(uint64_t)redis_number(r->element[0]), redis_number(r->element[1])};
}

/* One that is not to be believed is as good as not there: get tells of it. */
static int note(struct listing *l, const struct digest *key, const redisReply *head, struct uses uses)
{
	struct envelope_rules rules = redis_rules(l->store);
	struct found f;
	size_t need;
	struct slice bytes = {(const uint8_t *)head->str, head->str ? head->len : 0};
	int rc = bytes.size ? envelope_peek(&f.info, &need, bytes, key, &rules, NULL) : DPC_E_NOTFOUND;
	if (rc == DPC_MISS && bytes.size == ENVELOPE_PEEK) {
		struct longer more = {*key, need, uses.hits, uses.used};
		buf_put(&l->longer, &more, sizeof more);
	}
	if (rc != DPC_OK)
		return l->longer.failed ? DPC_E_MEMORY : DPC_OK;
	f.info.hits = uses.hits;
	f.info.used = uses.used;
	f.label_at = l->labels.size;
	buf_put(&l->labels, f.info.label.data, f.info.label.size);
	buf_put(&l->found, &f, sizeof f);
	return l->found.failed || l->labels.failed ? DPC_E_MEMORY : DPC_OK;
}

static int take_details(struct listing *l, const redisReply *names, dpc_error *err)
{
	struct digest key;
	int rc = DPC_OK;
	for (size_t i = 0; i < names->elements && rc == DPC_OK; i++) {
		redisReply *head = NULL, *uses = NULL;
		if (!key_of_name(&key, names->element[i]))
			continue;
		rc = redis_answer(&head, l->store->link, err);
		if (rc == DPC_OK)
			rc = redis_answer(&uses, l->store->link, err);
		if (rc == DPC_OK)
			rc = note(l, &key, head, uses_of(uses));
		freeReplyObject(head);
		freeReplyObject(uses);
	}
	/* With answers left unread the link says what nobody asked any more. */
	if (rc != DPC_OK)
		l->store->link->broken = true;
	return rc;
}

static int take_longer(struct listing *l, dpc_error *err)
{
	const struct longer *m = (const struct longer *)l->longer.data;
	int rc = DPC_OK;
	for (size_t i = 0; i < l->longer.size / sizeof *m && rc == DPC_OK; i++) {
		char name[REDIS_KEY], end[24];
		struct redis_words w = {.count = 0};
		redisReply *r;
		redis_key(name, l->store->link, &m[i].key, 'v');
		snprintf(end, sizeof end, "%zu", m[i].need - 1);
		redis_add_text(&w, "GETRANGE");
		redis_add_text(&w, name);
		redis_add_text(&w, "0");
		redis_add_text(&w, end);
		rc = redis_ask(&r, l->store->link, &w, err);
		if (rc == DPC_OK)
			rc = note(l, &m[i].key, r, (struct uses){m[i].hits, m[i].used});
		freeReplyObject(r);
	}
	l->longer.size = 0;
	return rc;
}

static int list_all(struct listing *l, dpc_error *err)
{
	char cursor[32] = "0";
	int rc;
	do {
		redisReply *step;
		rc = scan(&step, l->store, cursor, err);
		if (rc != DPC_OK || !step)
			return rc;
		snprintf(cursor, sizeof cursor, "%s", step->element[0]->str);
		rc = say_details(l->store, step->element[1], err);
		if (rc == DPC_OK)
			rc = take_details(l, step->element[1], err);
		if (rc == DPC_OK)
			rc = take_longer(l, err);
		freeReplyObject(step);
	} while (rc == DPC_OK && strcmp(cursor, "0") != 0);
	return rc;
}

/* --- in order --- */

static int64_t last_of(const struct entry_info *e)
{
	return e->created > e->used ? e->created : e->used;
}

static int compare(const void *a, const void *b)
{
	const struct entry_info *x = &((const struct found *)a)->info, *y = &((const struct found *)b)->info;
	int64_t p = last_of(x), q = last_of(y);
	bool manifest[2] = {x->flags & CAPSULE_MANIFEST, y->flags & CAPSULE_MANIFEST};
	if (manifest[0] != manifest[1])
		return manifest[0] ? 1 : -1;
	if (p != q)
		return p < q ? -1 : 1;
	return memcmp(&x->key, &y->key, sizeof x->key);
}

int redis_each(void *self, store_visit_fn *visit, void *context, dpc_error *err)
{
	struct listing l = {.store = self};
	int rc = list_all(&l, err);
	struct found *f = (struct found *)l.found.data;
	size_t count = l.found.size / sizeof *f;
	if (rc == DPC_OK && count)
		qsort(f, count, sizeof *f, compare);
	for (size_t i = 0; i < count && rc == DPC_OK; i++) {
		/* Found twice, and so neighbours now. */
		if (i && memcmp(&f[i].info.key, &f[i - 1].info.key, sizeof f->info.key) == 0)
			continue;
		f[i].info.label.data = l.labels.data + f[i].label_at;
		rc = visit(context, &f[i].info);
	}
	buf_release(&l.longer);
	buf_release(&l.found);
	buf_release(&l.labels);
	return rc;
}
