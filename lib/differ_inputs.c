#include "differ_items.h"

#include "environment.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_tag(const struct differences *d, enum question_tag tag)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->v[i].of == OF_QUESTION && d->v[i].tag == tag)
			return true;
	return false;
}

static bool is_listing(enum observation_kind kind)
{
	return kind == OBSERVED_DIR || kind == OBSERVED_GLOB;
}

/* A path that was a file and is absent is the same path; a listing is of what is in
 * it, and the executable may be an input besides. */
static int sort_of(enum observation_kind kind)
{
	return kind == OBSERVED_EXE || kind == OBSERVED_GLOB ? (int)kind : 0;
}

static struct items observed_in(struct slice list, struct differences *d)
{
	struct cursor c = {list.data, list.data + list.size, false};
	size_t n = list.size ? cursor_u32(&c) : 0;
	/* More than there are bytes for is no count. */
	if (n > list.size)
		n = 0;
	struct items all = items_of(n, d);
	while (all.v && all.count < n) {
		struct stored_observation o;
		stored_observation_get(&c, &o);
		if (c.bad)
			break;
		all.v[all.count++] = (struct item){.name = o.path,
		                                   .kind = o.kind,
		                                   .sort = sort_of(o.kind),
		                                   .value = {c.at - sizeof o.digest, sizeof o.digest}};
	}
	return all;
}

static bool is_there(const struct item *one)
{
	return one && one->kind != OBSERVED_ABSENT;
}

/* Also a pattern's match that leads nowhere comes and goes. */
static enum change change_of(const struct item *was, const struct item *now)
{
	if (!was || !now)
		return now ? CHANGE_APPEARED : CHANGE_VANISHED;
	return !is_there(was) ? CHANGE_APPEARED : !is_there(now) ? CHANGE_VANISHED : CHANGE_OTHER;
}

/* What stands on one side only is there because it was asked for, where that differs. */
static bool is_told_already(const struct differences *d, enum observation_kind kind, bool both)
{
	if (kind == OBSERVED_EXE)
		return has_tag(d, Q_EXE) || has_tag(d, Q_NAME);
	return !both && has_tag(d, Q_INPUT);
}

static void tell_observed(struct differences *d, int listings, const struct item *was, const struct item *now)
{
	const struct item *there = is_there(now) || !was ? now : was;
	if (was && now && was->kind == now->kind && slice_equal(was->value, now->value))
		return;
	if (is_listing(there->kind) != (listings != 0) || is_told_already(d, there->kind, was && now))
		return;
	struct difference one = {.of = OF_INPUT, .input = there->kind, .name = there->name};
	one.change = change_of(was, now);
	differences_add(d, &one);
}

static void unpair(struct items *all)
{
	for (size_t i = 0; i < all->count; i++)
		all->v[i].paired = false;
}

/* A directory's names change with a file that comes or goes: that first. */
void differ_observations(struct differences *d, struct slice was, struct slice now)
{
	struct items before = observed_in(was, d), after = observed_in(now, d);
	for (int listings = 0; before.v && after.v && listings <= 1; listings++) {
		unpair(&before);
		items_pair_up(d, listings, &before, &after, tell_observed);
	}
	free(before.v);
	free(after.v);
}

/* --- facts --- */

static bool is_zero(const struct digest *d)
{
	static const struct digest zero;
	return memcmp(d, &zero, sizeof zero) == 0;
}

static enum change change_of_variable(const struct digest *was, const struct digest *now)
{
	return is_zero(was) ? CHANGE_APPEARED : is_zero(now) ? CHANGE_VANISHED : CHANGE_OTHER;
}

/* It could not be seen again: it is gone, or has come, or is of another kind. */
static enum change change_of_miss(const struct stored_observation *o)
{
	if (o->kind == OBSERVED_ABSENT || o->kind == OBSERVED_NO_NAME)
		return CHANGE_APPEARED;
	bool there = faccessat(AT_FDCWD, (const char *)o->path.data, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	return there ? CHANGE_OTHER : CHANGE_VANISHED;
}

/* Who depends on the names of all variables depends on each: one that is not in the
 * list was not set. */
static bool is_known(struct slice list, const char *name, size_t size)
{
	struct cursor c = {list.data, list.data + list.size, false};
	uint32_t n = cursor_u32(&c);
	for (uint32_t i = 0; i < n && !c.bad; i++) {
		struct stored_observation o;
		stored_observation_get(&c, &o);
		if (!c.bad && o.kind == OBSERVED_VARIABLE &&
		    slice_equal(o.path, (struct slice){(const uint8_t *)name, size}))
			return true;
	}
	return false;
}

struct newcomers {
	struct differences *d;
	struct slice known;
};

static int tell_newcomer(void *context, const char *name, size_t size)
{
	struct newcomers *n = context;
	struct difference one = {.of = OF_TRACED,
	                         .change = CHANGE_APPEARED,
	                         .input = OBSERVED_VARIABLE,
	                         .name = {(const uint8_t *)name, size}};
	if (!is_known(n->known, name, size))
		differences_add(n->d, &one);
	return DPC_OK;
}

static bool has_variable(const struct differences *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->v[i].of == OF_TRACED && d->v[i].input == OBSERVED_VARIABLE && d->v[i].change != CHANGE_OTHER)
			return true;
	return false;
}

/* Which one came or went says more than that they are no longer the same; behind all
 * others, for it may have been told of. */
static void differ_names(struct differences *d, struct slice list, const struct difference *names)
{
	struct newcomers n = {d, list};
	environment_each(tell_newcomer, &n);
	if (!has_variable(d))
		differences_add(d, names);
}

static bool is_other_now(struct difference *one, const struct stored_observation *o, struct observations *now,
                         const struct looker *look)
{
	*one = (struct difference){.of = OF_TRACED, .input = o->kind, .name = o->path};
	int rc = fact_add(now, look, o->kind, (const char *)o->path.data, NULL);
	const struct digest *digest = rc == DPC_OK ? &now->v[now->count - 1].digest : NULL;
	if (digest && memcmp(digest, &o->digest, sizeof *digest) == 0)
		return false;
	if (digest)
		one->change = o->kind == OBSERVED_VARIABLE ? change_of_variable(&o->digest, digest) : CHANGE_OTHER;
	else
		one->change = rc == DPC_MISS ? change_of_miss(o) : CHANGE_HIDDEN;
	return true;
}

/* A file that came or went says more than that the names in its directory are others. */
static void add_behind(struct differences *d, struct differences *listings)
{
	for (size_t i = 0; i < listings->count; i++)
		differences_add(d, &listings->v[i]);
	d->failed |= listings->failed;
	differences_release(listings);
}

void differ_facts(struct differences *d, struct slice was, const struct looker *look)
{
	struct cursor c = {was.data, was.data + was.size, false};
	struct observations now = {0};
	struct differences listings = {0};
	struct difference one, names;
	bool other_names = false;
	uint32_t n = was.size ? cursor_u32(&c) : 0;
	for (uint32_t i = 0; i < n; i++) {
		struct stored_observation o;
		stored_observation_get(&c, &o);
		if (c.bad)
			break;
		if (!is_other_now(&one, &o, &now, look))
			continue;
		if (o.kind == OBSERVED_NAMES) {
			names = one;
			other_names = true;
		} else {
			differences_add(o.kind == OBSERVED_LISTING ? &listings : d, &one);
		}
	}
	add_behind(d, &listings);
	if (other_names)
		differ_names(d, was, &names);
	observations_release(&now);
}
