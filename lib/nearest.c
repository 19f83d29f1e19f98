#include "nearest.h"

#include "shelf.h"

#include <string.h>

/* --- how much alike --- */

static void compare(struct differences *d, struct ask *a, const struct nearest *n,
                    const struct capsule_meta *m)
{
	const struct looker look = {&a->digests, a->home->state.secret};
	differ_questions(d, m->question, (struct slice){a->bytes.data, a->bytes.size});
	differ_observations(d, m->observations, (struct slice){n->observed.data, n->observed.size});
	if (ask_is_traced(a) && m->traced.data)
		differ_facts(d, m->traced, &look);
}

/* Of several as near as each other, the latest. Takes `one` over. */
static void consider(struct nearest *n, struct ask *a, struct answer *one)
{
	struct differences d = {0};
	const struct capsule *c = &one->capsule;
	if (c->state != CAPSULE_DONE || c->flags & CAPSULE_MANIFEST) {
		answer_release(one);
		return;
	}
	compare(&d, a, n, &one->meta);
	uint64_t weight = differences_weight(&d);
	bool later = c->created.wall > n->answer.capsule.created.wall;
	if (n->found && (weight > n->weight || (weight == n->weight && !later))) {
		differences_release(&d);
		answer_release(one);
		return;
	}
	differences_release(&n->differences);
	answer_release(&n->answer);
	n->found = true;
	n->weight = weight;
	n->answer = *one;
	n->differences = d;
}

/* --- on the shelf --- */

static void look_on_shelf(struct nearest *n, struct ask *a)
{
	struct shelf s = {0};
	struct shelf_variant v;
	if (shelf_load(&s, a->home, &a->hash) != DPC_OK)
		return;
	while (shelf_next(&s, &v)) {
		struct answer one = ANSWER_NONE;
		struct buf copy = {0};
		buf_put(&copy, v.capsule_bytes.data, CAPSULE_HEAD + (size_t)v.capsule.meta_size);
		if (!copy.failed && answer_from_bytes(&one, &copy, NULL) == DPC_OK)
			consider(n, a, &one);
		else
			answer_release(&one);
		buf_release(&copy);
	}
	shelf_release(&s);
}

/* --- in the store --- */

enum { OPENED = 16 }; /* capsules at most, of each sort */

struct candidate {
	struct digest key;
	uint64_t likeness;
	int64_t created;
};

/* The best of those that came by. */
struct choice {
	struct candidate v[OPENED];
	int count;
};

struct walk {
	const struct ask *ask;
	struct slice label;
	struct choice same, alike; /* of the asking's question; of others */
};

static bool is_worse(const struct candidate *a, const struct candidate *b)
{
	return a->likeness != b->likeness ? a->likeness < b->likeness : a->created < b->created;
}

static void choose(struct choice *c, const struct entry_info *e, uint64_t likeness)
{
	struct candidate one = {e->key, likeness, e->created}, *worst = c->v;
	if (c->count < OPENED) {
		c->v[c->count++] = one;
		return;
	}
	for (int i = 1; i < OPENED; i++)
		if (is_worse(&c->v[i], worst))
			worst = &c->v[i];
	if (is_worse(worst, &one))
		*worst = one;
}

static struct slice first_word(struct slice label)
{
	const uint8_t *blank = label.size ? memchr(label.data, ' ', label.size) : NULL;
	return (struct slice){label.data, blank ? (size_t)(blank - label.data) : label.size};
}

/* A command's name, whatever path it was given by. */
static struct slice base_of(struct slice word)
{
	const uint8_t *slash = word.size ? memrchr(word.data, '/', word.size) : NULL;
	size_t cut = slash ? (size_t)(slash + 1 - word.data) : 0;
	return (struct slice){word.data + cut, word.size - cut};
}

/* 0: another command. Else the more, the more bytes they begin and end with alike. */
static uint64_t likeness_of(struct slice a, struct slice b)
{
	size_t shorter = a.size < b.size ? a.size : b.size, start = 0, end = 0;
	if (!slice_equal(base_of(first_word(a)), base_of(first_word(b))))
		return 0;
	while (start < shorter && a.data[start] == b.data[start])
		start++;
	while (end < shorter - start && a.data[a.size - 1 - end] == b.data[b.size - 1 - end])
		end++;
	return 1 + start + end + (start == a.size && start == b.size);
}

static int visit(void *context, const struct entry_info *e)
{
	struct walk *w = context;
	uint64_t likeness;
	if (e->flags & CAPSULE_MANIFEST)
		return DPC_OK;
	if (memcmp(&e->question, &w->ask->hash, sizeof e->question) == 0)
		choose(&w->same, e, 0);
	else if (e->generation >= w->ask->home->state.floor && !(e->flags & CAPSULE_VALUE) &&
	         (likeness = likeness_of(e->label, w->label)))
		choose(&w->alike, e, likeness);
	return DPC_OK;
}

struct opened {
	struct answer v[OPENED];
	int count;
};

static void open_chosen(struct opened *out, const struct home *h, struct store *s, const struct choice *c)
{
	for (int i = 0; i < c->count; i++) {
		struct answer *one = &out->v[out->count];
		*one = ANSWER_NONE;
		if (vault_describe(one, h, s, &c->v[i].key, NULL) == DPC_OK)
			out->count++;
		else
			answer_release(one);
	}
}

static int look_in_store(struct opened *out, const struct nearest *n, const struct ask *a, dpc_error *err)
{
	struct store s;
	struct buf label = {0};
	int rc = store_look_only(&s, a->home, err);
	label_of(&label, a->question);
	struct walk w = {.ask = a, .label = {label.data, label.size}};
	if (rc == DPC_OK)
		rc = store_each(&s, visit, &w, err);
	if (rc == DPC_OK)
		open_chosen(out, a->home, &s, n->found || w.same.count ? &w.same : &w.alike);
	store_close(&s);
	buf_release(&label);
	return rc;
}

int nearest_find(struct nearest *n, struct ask *a, dpc_error *err)
{
	struct opened opened = {.count = 0};
	dpc_error trouble = {0};
	observations_put(&n->observed, &a->observed);
	look_on_shelf(n, a);
	int rc = look_in_store(&opened, n, a, &trouble);
	/* Comparing may read files: not as long as others wait for the store. */
	for (int i = 0; i < opened.count; i++)
		consider(n, a, &opened.v[i]);
	/* One that cannot be listed has nothing to be compared with. */
	return rc == DPC_OK || rc == DPC_E_NOTFOUND || rc == DPC_E_USAGE ? DPC_OK : dpc__fail(err, rc, "%s", trouble.message);
}

void nearest_release(struct nearest *n)
{
	differences_release(&n->differences);
	answer_release(&n->answer);
	buf_release(&n->observed);
}
