#include "differ_items.h"

#include <stdlib.h>
#include <string.h>

void differences_release(struct differences *d)
{
	free(d->v);
	*d = (struct differences){0};
}

void differences_add(struct differences *d, const struct difference *one)
{
	if (d->count == d->capacity) {
		size_t want = d->capacity ? 2 * d->capacity : 8;
		struct difference *grown = realloc(d->v, want * sizeof *grown);
		if (!grown) {
			d->failed = true;
			return;
		}
		d->v = grown;
		d->capacity = want;
	}
	d->v[d->count++] = *one;
}

/* --- two lists of named things --- */

struct items items_of(size_t most, struct differences *d)
{
	struct items all = {.v = calloc(most + 1, sizeof *all.v)};
	d->failed |= !all.v;
	return all;
}

static bool are_alike(const struct item *a, const struct item *b)
{
	return a->sort == b->sort && slice_equal(a->name, b->name);
}

/* Its like in a list, which mostly is where the last one's was, or next to it. */
static struct item *find_like(struct items *in, const struct item *one, size_t *hint)
{
	for (size_t i = 0; i < in->count; i++) {
		size_t at = (*hint + i) % in->count;
		if (in->v[at].paired || !are_alike(&in->v[at], one))
			continue;
		*hint = at + 1;
		in->v[at].paired = true;
		return &in->v[at];
	}
	return NULL;
}

void items_pair_up(struct differences *d, int context, struct items *was, struct items *now, pair_fn *tell)
{
	size_t hint = 0;
	for (size_t i = 0; i < now->count; i++)
		tell(d, context, find_like(was, &now->v[i], &hint), &now->v[i]);
	for (size_t i = 0; i < was->count; i++)
		if (!was->v[i].paired)
			tell(d, context, &was->v[i], NULL);
}

/* --- questions --- */

static const struct slice NOTHING;

struct field {
	enum question_tag tag;
	struct slice value;
};

/* All fields of one tag: they stand together. */
struct span {
	struct cursor from;
	size_t count;
};

static struct span span_of(struct slice question, enum question_tag tag)
{
	struct cursor c = {question.data, question.data + question.size, false}, before = c;
	struct span s = {.from = c};
	struct field f;
	while (question_next(&c, &f.tag, &f.value)) {
		if (f.tag == tag && !s.count++)
			s.from = before;
		before = c;
	}
	return s;
}

static struct slice next_of(struct span *s)
{
	struct field f = {.value = NOTHING};
	question_next(&s->from, &f.tag, &f.value);
	return f.value;
}

static bool may_be_shown(enum question_tag tag)
{
	return tag != Q_PATH && tag != Q_LOCALE && tag != Q_ENV && tag != Q_STDIN && tag != Q_SALT;
}

static void add_field(struct differences *d, enum question_tag tag, enum change change, size_t position,
                      struct slice was, struct slice now)
{
	bool shown = may_be_shown(tag);
	struct difference one = {.of = OF_QUESTION,
	                         .change = change,
	                         .tag = tag,
	                         .position = position,
	                         .was = shown ? was : NOTHING,
	                         .now = shown ? now : NOTHING};
	differences_add(d, &one);
}

static void differ_single(struct differences *d, enum question_tag tag, struct span was, struct span now)
{
	struct slice before = was.count ? next_of(&was) : NOTHING, after = now.count ? next_of(&now) : NOTHING;
	if (was.count && now.count && !slice_equal(before, after))
		add_field(d, tag, CHANGE_OTHER, 0, before, after);
	else if (was.count != now.count)
		add_field(d, tag, now.count ? CHANGE_ADDED : CHANGE_DROPPED, 0, before, after);
}

static struct items words_of(struct span s, struct differences *d)
{
	struct items all = items_of(s.count, d);
	for (; all.v && all.count < s.count; all.count++)
		all.v[all.count].value = next_of(&s);
	return all;
}

/* One more in front shall not make all that follow it others: what both begin with
 * and what both end in stands for itself. */
static void differ_words(struct differences *d, enum question_tag tag, const struct items *was,
                         const struct items *now)
{
	size_t start = 0, n = was->count, m = now->count;
	while (start < n && start < m && slice_equal(was->v[start].value, now->v[start].value))
		start++;
	while (n > start && m > start && slice_equal(was->v[n - 1].value, now->v[m - 1].value)) {
		n--;
		m--;
	}
	for (size_t i = start; i < n || i < m; i++) {
		enum change change = i >= n ? CHANGE_ADDED : i >= m ? CHANGE_DROPPED : CHANGE_OTHER;
		add_field(d, tag, change, i, i < n ? was->v[i].value : NOTHING, i < m ? now->v[i].value : NOTHING);
	}
}

static void differ_arguments(struct differences *d, enum question_tag tag, struct span was, struct span now)
{
	struct items before = words_of(was, d), after = words_of(now, d);
	if (before.v && after.v)
		differ_words(d, tag, &before, &after);
	free(before.v);
	free(after.v);
}

/* A variable's name ends in NUL, and its digest follows; an input is its name. */
static struct items named_of(enum question_tag tag, struct span s, struct differences *d)
{
	struct items all = items_of(s.count, d);
	for (; all.v && all.count < s.count; all.count++) {
		struct slice value = next_of(&s);
		const uint8_t *nul = may_be_shown(tag) || !value.size ? NULL : memchr(value.data, 0, value.size);
		size_t size = nul ? (size_t)(nul - value.data) : value.size;
		all.v[all.count].name = (struct slice){value.data, size};
		all.v[all.count].value = (struct slice){value.data + size, value.size - size};
	}
	return all;
}

static enum change change_of_variable(const struct item *was, const struct item *now)
{
	/* Without a digest it is not set. */
	if (was->value.size == now->value.size)
		return CHANGE_OTHER;
	return now->value.size > was->value.size ? CHANGE_APPEARED : CHANGE_VANISHED;
}

static void tell_named(struct differences *d, int tag, const struct item *was, const struct item *now)
{
	struct difference one = {.of = OF_QUESTION, .tag = (enum question_tag)tag};
	if (was && now && slice_equal(was->value, now->value))
		return;
	if (was) {
		one.name = was->name;
		one.change = now ? change_of_variable(was, now) : CHANGE_DROPPED;
	} else if (now) {
		one.name = now->name;
		one.change = CHANGE_ADDED;
	}
	differences_add(d, &one);
}

static void differ_named(struct differences *d, enum question_tag tag, struct span was, struct span now)
{
	struct items before = named_of(tag, was, d), after = named_of(tag, now, d);
	if (before.v && after.v)
		items_pair_up(d, tag, &before, &after, tell_named);
	free(before.v);
	free(after.v);
}

/* What goes with another field: that tells if one of them has none. */
static void differ_both(struct differences *d, enum question_tag tag, struct span was, struct span now)
{
	if (was.count && now.count)
		differ_single(d, tag, was, now);
}

typedef void differ_fn(struct differences *d, enum question_tag tag, struct span was, struct span now);

/* In the order in which people look for a cause. */
static const struct {
	differ_fn *differ;
	enum question_tag tag;
	bool replaced; /* by a name */
} tags[] = {
    {differ_single, Q_SCHEMA, false}, {differ_single, Q_NAME, false},
    {differ_single, Q_REGION, false}, {differ_arguments, Q_ARGUMENT, true},
    {differ_single, Q_EXE, true},     {differ_single, Q_CWD, true},
    {differ_single, Q_PWD, true},     {differ_named, Q_INPUT, false},
    {differ_named, Q_OUTPUT, false},
    {differ_named, Q_ENV, false},     {differ_single, Q_STDIN, false},
    {differ_single, Q_SALT, false},   {differ_named, Q_PATH, true},
    {differ_named, Q_LOCALE, true},   {differ_single, Q_UID, true},
    {differ_single, Q_UMASK, true},   {differ_single, Q_MERGED, true},
    {differ_both, Q_GROUPS, true},    {differ_single, Q_TRACE, false},  {differ_named, Q_TRACE_IGNORE, false},
};

void differ_questions(struct differences *d, struct slice was, struct slice now)
{
	bool named = span_of(was, Q_NAME).count != span_of(now, Q_NAME).count;
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		struct span before = span_of(was, tags[i].tag), after = span_of(now, tags[i].tag);
		if (!named || !tags[i].replaced)
			tags[i].differ(d, tags[i].tag, before, after);
	}
}

uint64_t differences_weight(const struct differences *d)
{
	enum { INPUT = 1, FIELD = 1 << 16, COMMAND = 1 << 20 };
	uint64_t sum = 0;
	for (size_t i = 0; i < d->count; i++) {
		const struct difference *one = &d->v[i];
		bool command = one->of == OF_QUESTION && one->tag == Q_ARGUMENT && one->position == 0;
		sum += command ? COMMAND : one->of == OF_QUESTION ? FIELD : INPUT;
	}
	return sum;
}
