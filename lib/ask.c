#include "ask.h"

#include "environment.h"
#include "fact.h"
#include "os.h"
#include "shelf.h"

#include <string.h>
#include <unistd.h>

int ask_init(struct ask *a, const struct home *h, const struct policy *p, struct question *q,
             const char *exe, dpc_error *err)
{
	*a = (struct ask){.home = h, .policy = p, .question = q, .exe = exe};
	digests_init(&a->digests, h->fd);
	q->secret = h->state.secret;
	q->exe = exe;
	int rc = question_encode(&a->bytes, q, err);
	if (rc == DPC_OK)
		a->hash = question_hash((struct slice){a->bytes.data, a->bytes.size});
	return rc;
}

void ask_look_only(struct ask *a)
{
	a->look_only = true;
	a->digests.look_only = true;
}

void ask_release(struct ask *a)
{
	digests_release(&a->digests);
	buf_release(&a->bytes);
	observations_release(&a->observed);
	observations_release(&a->traced);
}

void ask_forget(struct ask *a)
{
	observations_release(&a->observed);
	observations_release(&a->traced);
	a->has_key = false;
}

int ask_observe(struct ask *a, dpc_error *err)
{
	int rc = DPC_OK;
	if (a->has_key)
		return DPC_OK;
	if (a->exe)
		rc = observe_exe(&a->observed, &a->digests, a->exe, err);
	for (size_t i = 0; rc == DPC_OK && i < a->question->input_count; i++)
		rc = observe_input(&a->observed, &a->digests, a->question->inputs[i], err);
	if (rc != DPC_OK) {
		observations_release(&a->observed);
		return rc;
	}
	a->key = key_of((struct slice){a->bytes.data, a->bytes.size}, &a->observed);
	a->run = ask_run_of(a, a->key);
	a->has_key = true;
	return DPC_OK;
}

struct digest ask_run_of(const struct ask *a, struct digest key)
{
	struct digest both[2] = {key};
	if (!ask_is_traced(a) || environment_all(&both[1], a->home->state.secret) != DPC_OK)
		return key;
	return hash128(both, sizeof both);
}

static bool same_question(const struct ask *a, const struct capsule_meta *m)
{
	return slice_equal(m->question, (struct slice){a->bytes.data, a->bytes.size});
}

bool ask_matches(const struct ask *a, const struct capsule_meta *m)
{
	struct buf b = {0};
	if (!same_question(a, m))
		return false;
	observations_put(&b, &a->observed);
	bool same = !b.failed && slice_equal(m->observations, (struct slice){b.data, b.size});
	buf_release(&b);
	return same;
}

static struct digest traced_key(struct slice question, struct slice observed, const struct observations *traced)
{
	struct buf b = {0};
	observations_put(&b, traced);
	struct digest key = key_of_bytes(question, observed, (struct slice){b.data, b.size});
	buf_release(&b);
	return key;
}

struct digest ask_result_key(const struct ask *a)
{
	struct buf observed = {0};
	if (!ask_is_traced(a))
		return a->key;
	observations_put(&observed, &a->observed);
	struct digest key = traced_key((struct slice){a->bytes.data, a->bytes.size},
	                               (struct slice){observed.data, observed.size}, &a->traced);
	buf_release(&observed);
	return key;
}

struct digest ask_key_of(const struct capsule *c, const struct capsule_meta *m)
{
	static const struct slice none;
	return m->traced.data ? key_of_bytes(m->question, m->observations, none) : c->key;
}

void ask_describe(struct buf *meta, const struct ask *a)
{
	struct buf label = {0};
	label_of(&label, a->question);
	capsule_encode_meta(meta, (struct slice){a->bytes.data, a->bytes.size}, &a->observed,
	                    (struct slice){label.data, label.size});
	meta->failed |= label.failed;
	buf_release(&label);
}

static bool judge(struct ask *a, const struct capsule *c, int64_t *age)
{
	if (c->state != CAPSULE_DONE)
		return false;
	a->verdict = lookup_judge(age, c, a->policy, &a->home->state);
	a->found = true;
	return verdict_serves(a->verdict) || verdict_is_old(a->verdict);
}

static bool same_traced(const struct ask *a, const struct capsule_meta *m)
{
	struct buf b = {0};
	if (!ask_is_traced(a))
		return !m->traced.data;
	observations_put(&b, &a->traced);
	bool same = !b.failed && slice_equal(m->traced, (struct slice){b.data, b.size});
	buf_release(&b);
	return same;
}

bool ask_wants(struct ask *a, const struct capsule *c, const struct capsule_meta *m, int64_t *age)
{
	return ask_matches(a, m) && same_traced(a, m) && judge(a, c, age);
}

/* By stat alone: everything observed then is under the same tuple now. */
static bool all_unchanged(const struct ask *a, struct slice observations, struct cursor *tuples)
{
	struct cursor stored = {observations.data, observations.data + observations.size, false};
	uint32_t n = cursor_u32(&stored);
	for (uint32_t i = 0; i < n; i++) {
		struct stored_observation o;
		struct tuple t;
		stored_observation_get(&stored, &o);
		tuple_get(tuples, &t);
		if (stored.bad || tuples->bad || !fact_unchanged(&o, &t, a->home->state.secret))
			return false;
	}
	return true;
}

static bool unchanged_by_stat(const struct ask *a, const struct shelf_variant *v)
{
	struct cursor tuples = {v->tuples.data, v->tuples.data + v->tuples.size, false};
	return all_unchanged(a, v->meta.observations, &tuples) &&
	       (!v->meta.traced.data || all_unchanged(a, v->meta.traced, &tuples));
}

/* By content: what was traced is, each by itself, still as it was. Leaves in
 * a->traced how it is today. */
static bool traced_holds(struct ask *a, const struct shelf_variant *v)
{
	struct slice all = v->meta.traced;
	struct cursor stored = {all.data, all.data + all.size, false};
	const struct looker look = {&a->digests, a->home->state.secret};
	observations_release(&a->traced);
	if (!all.data || !ask_is_traced(a))
		return !all.data && !ask_is_traced(a);
	uint32_t n = cursor_u32(&stored);
	for (uint32_t i = 0; i < n; i++) {
		struct stored_observation o;
		stored_observation_get(&stored, &o);
		if (stored.bad || fact_add(&a->traced, &look, o.kind, (const char *)o.path.data, NULL) != DPC_OK ||
		    memcmp(&a->traced.v[i].digest, &o.digest, sizeof o.digest) != 0)
			return false;
	}
	return true;
}

/* Its description need not be: the shelf holds that itself. */
static bool has_head(int fd, struct slice capsule)
{
	uint8_t head[CAPSULE_HEAD];
	return os_pread_full(fd, head, sizeof head, 0) == sizeof head && memcmp(head, capsule.data, sizeof head) == 0;
}

/* The file of a large capsule is known by its stat tuple too; one under
 * another tuple is read through and its sums compared. */
static bool open_frames(struct answer *out, const struct ask *a, const struct shelf_variant *v,
                        bool *refresh)
{
	struct stat st;
	struct tuple now;
	if (!v->file.size)
		return true;
	if (answer_attach(out, a->home, v->file, NULL) != DPC_OK || fstat(out->fd, &st) < 0)
		return false;
	tuple_of(&now, &st, 0);
	if (tuple_same(&now, &v->file_tuple) && !tuple_racy(&v->file_tuple))
		return true;
	*refresh = true;
	return capsule_size(&out->capsule) == (uint64_t)st.st_size && has_head(out->fd, v->capsule_bytes) &&
	       capsule_check_frames(&out->capsule, &out->frames, NULL) == DPC_OK;
}

/* The answer takes the loaded shelf file over: what it consists of lies there. */
static bool take(struct answer *out, const struct ask *a, struct shelf *s, const struct shelf_variant *v,
                 int64_t age, bool *refresh)
{
	size_t head = CAPSULE_HEAD + (size_t)v->capsule.meta_size;
	out->capsule = v->capsule;
	out->meta = v->meta;
	out->age = age;
	out->frames = (struct frames){{NULL, 0}, -1, 0, v->capsule.frames_size};
	if (!v->file.size)
		out->frames.memory = (struct slice){v->capsule_bytes.data + head, v->capsule_bytes.size - head};
	if (!open_frames(out, a, v, refresh)) {
		answer_release(out);
		return false;
	}
	out->bytes = s->bytes;
	s->bytes = (struct buf){0};
	return true;
}

/* Lay the variant down again under the tuples of today, so that the next hit
 * needs only stats. A convenience: not worth waiting for the lock, and only if
 * the variant is still there under it. */
static void refresh_tuples(struct ask *a, const struct shelf_variant *used)
{
	/* Of what a server has, that would make it look younger than it is. */
	int lock = a->home->place ? -1 : home_lock(a->home, 0, NULL);
	if (lock < 0)
		return;
	struct shelf s = {0};
	struct shelf_variant v;
	struct stat st;
	if (ask_observe(a, NULL) == DPC_OK && shelf_load(&s, a->home, &a->hash) == DPC_OK)
		while (shelf_next(&s, &v)) {
			char name[64] = "";
			struct shelf_item item = {.observed = &a->observed, .traced = &a->traced, .capsule = v.capsule_bytes};
			if (!slice_equal(v.capsule_bytes, used->capsule_bytes) || v.file.size >= sizeof name)
				continue;
			memcpy(name, v.file.data, v.file.size);
			item.file = *name ? name : NULL;
			if (*name && fstatat(a->home->fd, name, &st, 0) == 0)
				tuple_of(&item.file_tuple, &st, clock_wall_ns());
			shelf_put(a->home, &a->hash, &item);
			break;
		}
	shelf_release(&s);
	home_unlock(lock);
}

/* One pass over the variants; by stat, or by what ask_observe saw. A key is
 * there once: an old one ends the search, too. */
static bool search(struct answer *out, struct ask *a, struct shelf *s, bool by_stat)
{
	struct shelf_variant v;
	int64_t age;
	while (shelf_next(s, &v)) {
		bool refresh = !by_stat;
		bool same = by_stat ? same_question(a, &v.meta) && unchanged_by_stat(a, &v)
		                    : ask_matches(a, &v.meta) && traced_holds(a, &v);
		if (!same || !judge(a, &v.capsule, &age))
			continue;
		if (!take(out, a, s, &v, age, &refresh)) {
			/* As good as not there: the store knows better. */
			a->found = false;
			continue;
		}
		if (refresh && !a->look_only && (!by_stat || traced_holds(a, &v)))
			refresh_tuples(a, &v);
		return true;
	}
	return false;
}

int ask_recall(struct answer *out, struct ask *a, dpc_error *err)
{
	struct shelf s = {0};
	if (shelf_load(&s, a->home, &a->hash) != DPC_OK)
		return DPC_MISS;
	struct cursor start = s.next;
	int rc = DPC_OK;
	bool found = search(out, a, &s, true);
	if (!found) {
		rc = ask_observe(a, err);
		s.next = start;
		found = rc == DPC_OK && search(out, a, &s, false);
	}
	shelf_release(&s);
	return rc == DPC_OK && !(found && verdict_serves(a->verdict)) ? DPC_MISS : rc;
}
