#include "meet.h"

#include "backoff.h"
#include "lock.h"
#include "os.h"
#include "present.h"
#include "shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char MEET_RUNNING[] = "DPCACHE_RUNNING";

static bool run_by_a_parent(const struct digest *key)
{
	char hex[DIGEST_HEX];
	const char *running = getenv(MEET_RUNNING);
	digest_hex(hex, key);
	return running && strstr(running, hex);
}

void meet_abandon(struct meet *m)
{
	if (m->lock >= 0 && m->ask && m->ask->home)
		lock_retire(m->ask->home, &m->lock_key, m->lock);
	else if (m->lock >= 0)
		close(m->lock);
	m->lock = -1;
	if (m->contest)
		m->contest->leave(m->contest->context);
}

/* We lead and the answer is there already: send those who wait to look. */
static void dismiss(struct meet *m)
{
	uint8_t head[CAPSULE_HEAD];
	struct capsule c = {.state = CAPSULE_ELSEWHERE, .key = m->lock_key};
	capsule_encode_head(head, &c);
	(void)os_pwrite_all(m->lock, head, sizeof head, 0);
	meet_abandon(m);
}

void meet_release(struct meet *m)
{
	answer_release(&m->answer);
	answer_release(&m->old);
	if (m->claim >= 0)
		close(m->claim);
	m->claim = -1;
}

/* What was found, but is too old, is kept to fall back on. */
static void set_aside(struct meet *m)
{
	if (!m->answer.bytes.data)
		return;
	answer_release(&m->old);
	m->old = m->answer;
	m->old_verdict = m->ask->verdict;
	m->answer = ANSWER_NONE;
}

/* It serves after all. */
static void take_back(struct meet *m)
{
	answer_release(&m->answer);
	m->answer = m->old;
	m->old = ANSWER_NONE;
	m->ask->verdict = m->old_verdict;
}

static int recall(struct meet *m, dpc_error *err)
{
	answer_release(&m->answer);
	m->ask->found = false;
	int rc = ask_recall(&m->answer, m->ask, err);
	if (rc == DPC_MISS)
		set_aside(m);
	return rc;
}

static int fetch(struct meet *m)
{
	int rc = m->fetch(&m->answer, m->ask, &m->store_error);
	if (rc == DPC_MISS)
		set_aside(m);
	/* A store that cannot be asked is a miss. */
	m->store_down = rc < 0;
	return rc < 0 ? DPC_MISS : rc;
}

/* What was on the shelf and too old is not more recent in the store; unless that has
 * other writers. */
static bool shelf_suffices(const struct meet *m)
{
	return m->ask->found && !m->ask->home->place;
}

static int look(struct meet *m, dpc_error *err)
{
	int rc = recall(m, err);
	if (rc == DPC_MISS && m->fetch && !shelf_suffices(m) && (rc = ask_observe(m->ask, err)) == DPC_OK)
		rc = fetch(m);
	return rc;
}

/* Could the store know more than the shelf? Not of a key it never had, nor of
 * one whose entry was on the shelf and too old. */
static bool store_may_know(const struct meet *m)
{
	return !m->ask->policy->refresh && !shelf_suffices(m) && present_maybe(m->ask->home, &m->ask->key);
}

/* --- what is past its ttl --- */

/* Is it the very entry that is to be refreshed? Chance may call one due for an
 * early refresh and at the next look not. */
static bool is_to_be_refreshed(const struct meet *m)
{
	return m->ask->verdict == VERDICT_STALE ||
	       (m->refresh_of && m->answer.capsule.created.wall == m->refresh_of);
}

static bool may_refresh(const struct meet *m, const struct digest *key)
{
	const struct policy *p = m->ask->policy;
	return !p->no_write && !run_by_a_parent(key) && home_check_locks(m->ask->home, NULL) == DPC_OK &&
	       backoff_left(m->ask->home, key, p) == 0;
}

static struct digest run_of_answer(const struct meet *m)
{
	return ask_run_of(m->ask, ask_key_of(&m->answer.capsule, &m->answer.meta));
}

/* Served at once, by all; refreshed by one. */
static enum meeting serve_stale(struct meet *m)
{
	struct digest key = run_of_answer(m);
	if (m->ask->look_only || !may_refresh(m, &key) || dogpile_is_led(m->ask->home, &key))
		return MEET_STALE;
	/* Of many who come at once, one takes the lock. */
	m->claim = shelf_claim(m->ask->home, &m->ask->hash);
	return m->claim >= 0 || errno != EWOULDBLOCK ? MEET_REFRESH : MEET_STALE;
}

/* The lock is ours: is what we answered from still the one there is? */
static bool is_still_there(struct meet *m)
{
	struct answer served = m->answer;
	m->answer = ANSWER_NONE;
	bool same = recall(m, NULL) != DPC_OK || is_to_be_refreshed(m);
	answer_release(&m->answer);
	m->answer = served;
	return same;
}

/* Nor does another machine see to it. */
static bool is_first_afar(const struct meet *m)
{
	const struct contest *c = m->contest;
	return !c || c->enter(c->context, &m->lock_key, 0, NULL) != LEASE_TIMED_OUT;
}

bool meet_take_refresh(struct meet *m)
{
	if (m->lock >= 0 && is_first_afar(m))
		return true;
	if (m->lock >= 0) {
		meet_abandon(m);
		return false;
	}
	m->refresh_of = m->answer.capsule.created.wall;
	m->lock_key = run_of_answer(m);
	int got = dogpile_try(&m->lock, m->ask->home, &m->lock_key);
	if (m->claim >= 0)
		close(m->claim);
	m->claim = -1;
	if (got != 1)
		return false;
	enum verdict verdict = m->ask->verdict;
	bool there = is_still_there(m);
	m->ask->verdict = verdict;
	/* While we took it, it may have been tried in vain. */
	bool ours = there && backoff_left(m->ask->home, &m->lock_key, m->ask->policy) == 0;
	if (!there)
		dismiss(m);
	else if (!ours || !is_first_afar(m))
		meet_abandon(m);
	return ours && m->lock >= 0;
}

/* Something was found that serves. */
static enum meeting serve(struct meet *m)
{
	return m->ask->verdict == VERDICT_FRESH ? MEET_HIT : serve_stale(m);
}

/* Its run would fail again; or it has, and the old result is good for that. */
static bool fall_back(struct meet *m)
{
	if (!m->old.bytes.data || m->old_verdict != VERDICT_FOR_ERROR)
		return false;
	take_back(m);
	return true;
}

static bool is_backing_off(const struct meet *m)
{
	return m->old.bytes.data && m->old_verdict == VERDICT_FOR_ERROR && !m->ask->policy->refresh &&
	       backoff_left(m->ask->home, &m->ask->run, m->ask->policy) > 0;
}

/* --- leading and following --- */

static int64_t deadline_of(const struct policy *p)
{
	int64_t now = clock_mono_ns();
	return p->wait > DPC_FOREVER - now ? DPC_FOREVER : now + p->wait;
}

/* The store alone: another machine may have put it there. */
static int look_afar(struct meet *m, dpc_error *err)
{
	answer_release(&m->answer);
	m->ask->found = false;
	int rc = ask_observe(m->ask, err);
	return rc == DPC_OK ? fetch(m) : rc;
}

/* What was found after another machine could have been at work. DPC_OK: `outcome` is settled;
 * DPC_MISS: it is to be run. */
static int take_afar(enum meeting *outcome, struct meet *m, bool to_refresh, dpc_error *err)
{
	int rc = m->ask->policy->refresh ? DPC_MISS : look_afar(m, err);
	if (rc != DPC_OK)
		return rc;
	if (to_refresh && is_to_be_refreshed(m)) {
		set_aside(m);
		return DPC_MISS;
	}
	*outcome = m->ask->verdict == VERDICT_FRESH ? MEET_HIT : MEET_STALE;
	dismiss(m);
	return DPC_OK;
}

/* What was to be refreshed, to be served after all. */
static bool find_old(struct meet *m, dpc_error *err)
{
	if (!m->old.bytes.data)
		return look_afar(m, err) == DPC_OK;
	take_back(m);
	return true;
}

/* With the lock of this machine in hand: nobody else's run, either. Who only refreshes
 * does not wait. */
static int contend(enum meeting *outcome, struct meet *m, bool to_refresh, dpc_error *err)
{
	const struct contest *c = m->contest;
	int64_t deadline = to_refresh ? 0 : deadline_of(m->ask->policy);
	while (c) {
		dpc_error why = {0};
		enum lease_outcome end = c->enter(c->context, &m->lock_key, deadline, &why);
		if (end == LEASE_TIMED_OUT) {
			meet_abandon(m);
			*outcome = to_refresh && find_old(m, err) ? MEET_STALE : MEET_TIMED_OUT;
			return DPC_OK;
		}
		if (end == LEASE_NONE) {
			if (m->store_error.code >= 0)
				m->store_error = why;
			return DPC_OK;
		}
		int rc = take_afar(outcome, m, to_refresh, err);
		if (rc < 0)
			meet_abandon(m);
		if (rc != DPC_MISS || end == LEASE_HELD)
			return rc < 0 ? rc : DPC_OK;
	}
	return DPC_OK;
}

/* With the lock in hand, look again: the last leader may have answered while
 * we came. What is only to be refreshed is led in spite of it by whoever took
 * the lock for that. */
static int lead(enum meeting *outcome, struct meet *m, bool to_refresh, dpc_error *err)
{
	bool refresh = m->ask->policy->refresh;
	/* With other machines to contend with, the store is asked once that is over. */
	int rc = refresh || m->contest ? recall(m, err) : look(m, err);
	if (rc == DPC_OK && refresh && m->answer.capsule.started <= m->arrival) {
		set_aside(m);
		rc = DPC_MISS;
	}
	*outcome = MEET_LEAD;
	if (rc == DPC_OK && to_refresh && is_to_be_refreshed(m)) {
		set_aside(m);
		rc = ask_observe(m->ask, err);
		return rc == DPC_OK ? contend(outcome, m, true, err) : rc;
	}
	if (rc == DPC_OK && m->ask->verdict == VERDICT_STALE) {
		m->refresh_of = m->answer.capsule.created.wall;
		*outcome = MEET_REFRESH;
		return DPC_OK;
	}
	if (rc == DPC_OK) {
		dismiss(m);
		*outcome = MEET_HIT;
		return DPC_OK;
	}
	if (rc == DPC_MISS) {
		/* The last leader may have failed while we came. */
		if (is_backing_off(m) && fall_back(m)) {
			dismiss(m);
			*outcome = MEET_STALE;
			return DPC_OK;
		}
		return contend(outcome, m, to_refresh, err);
	}
	meet_abandon(m);
	return rc;
}

/* What the leader left in its file is ours, if it answered our question. */
static enum meeting take_followed(struct meet *m, int fd)
{
	struct answer *a = &m->answer;
	if (answer_from_fd(a, fd, NULL) == DPC_OK && ask_matches(m->ask, &a->meta) &&
	    capsule_check_frames(&a->capsule, &a->frames, NULL) == DPC_OK) {
		bool good = exit_set_has(&m->ask->policy->cache_exit, capsule_exit_status(a->capsule.status));
		return !good && fall_back(m) ? MEET_STALE : MEET_FOLLOWED;
	}
	answer_release(a);
	return MEET_ALONE;
}

/* May its output go out before it is complete? */
static bool is_ours(void *context, int fd)
{
	struct meet *m = context;
	struct answer a = ANSWER_NONE;
	bool ours = answer_describe(&a, fd, NULL) == DPC_OK && ask_matches(m->ask, &a.meta);
	answer_release(&a);
	return ours;
}

static void tell_waiting(void *context, int fd)
{
	struct meet *m = context;
	m->waiting(m->context, fd);
}

static void tell_relaying(void *context)
{
	struct meet *m = context;
	m->relaying(m->context);
}

/* Inside another's run nobody looks on; and where a failure is answered by what
 * is old, it must not have been shown. Nor may what cannot be taken back when an
 * output turns out not to be had here, or an input to have changed. */
static struct live *live_for(const struct meet *m)
{
	bool falls_back = m->old.bytes.data && m->old_verdict == VERDICT_FOR_ERROR;
	bool hasty = falls_back || question_has_outputs(m->ask->question) || ask_is_traced(m->ask);
	return getenv(MEET_RUNNING) || hasty ? NULL : m->live;
}

static int join(enum meeting *outcome, struct meet *m, dpc_error *err)
{
	const struct policy *p = m->ask->policy;
	if (m->prepare)
		m->prepare(m);
	struct caller who = {
	    .h = m->ask->home,
	    .key = &m->ask->run,
	    .deadline = deadline_of(p),
	    .max_run = p->max_run,
	    .must_lead = p->refresh,
	    .matches = is_ours,
	    .waiting = m->waiting ? tell_waiting : NULL,
	    .relaying = m->relaying ? tell_relaying : NULL,
	    .context = m,
	};
	int usable = home_check_locks(m->ask->home, err);
	if (usable != DPC_OK)
		return usable;
	for (;;) {
		enum role role;
		int fd;
		/* A look in between may have found something to fall back on. */
		if (!meet_has_shown(m))
			who.live = live_for(m);
		int rc = dogpile_join(&role, &fd, &who, err);
		if (rc != DPC_OK)
			return rc;
		switch (role) {
		case ROLE_LEAD:
			m->lock = fd;
			m->lock_key = m->ask->run;
			return lead(outcome, m, false, err);
		case ROLE_FOLLOW:
			*outcome = take_followed(m, fd);
			return DPC_OK;
		case ROLE_SHOWN:
			*outcome = MEET_SHOWN;
			return DPC_OK;
		case ROLE_LOOK_AGAIN:
			rc = look(m, err);
			if (rc == DPC_OK)
				*outcome = serve(m);
			if (rc != DPC_MISS)
				return rc;
			break;
		case ROLE_ALONE:
			*outcome = MEET_ALONE;
			return DPC_OK;
		case ROLE_TIMED_OUT:
			*outcome = MEET_TIMED_OUT;
			return DPC_OK;
		}
	}
}

/* A lock brought along that is not needed: answered without it, or the inputs
 * have made the key another. */
static void drop_lock(struct meet *m)
{
	if (m->lock >= 0)
		dismiss(m);
}

/* A lock brought along: is it of the key that we ask for? */
static bool has_lock_for(struct meet *m, const struct digest *key)
{
	return m->lock >= 0 && memcmp(&m->lock_key, key, sizeof m->lock_key) == 0 &&
	       lock_is_current(m->ask->home, key, m->lock);
}

/* In front of a server the store may always know. But where somebody leads he has asked it,
 * and whoever cannot ask by himself had better wait for him. */
static bool is_led_here(const struct meet *m)
{
	const struct home *h = m->ask->home;
	return h->place && !m->fetch && !m->ask->policy->no_coalesce && home_check_locks(h, NULL) == DPC_OK &&
	       dogpile_is_led(h, &m->ask->run);
}

/* The shelf knows nothing that serves. */
static int meet_others(enum meeting *outcome, struct meet *m, dpc_error *err)
{
	if (has_lock_for(m, &m->ask->run))
		return lead(outcome, m, true, err);
	drop_lock(m);
	if (store_may_know(m) && !is_led_here(m)) {
		*outcome = MEET_STORE;
		if (!m->fetch)
			return DPC_OK;
		if (fetch(m) == DPC_OK) {
			*outcome = serve(m);
			return DPC_OK;
		}
	}
	*outcome = MEET_STALE;
	if (is_backing_off(m) && fall_back(m))
		return DPC_OK;
	*outcome = MEET_ALONE;
	return m->ask->policy->no_coalesce || m->ask->look_only ? DPC_OK : join(outcome, m, err);
}

int meet_callers(enum meeting *outcome, struct meet *m, dpc_error *err)
{
	/* A hit asks no clock more than it must. */
	if (m->ask->policy->refresh)
		m->arrival = clock_wall_ns();
	int rc = m->ask->policy->refresh ? DPC_MISS : recall(m, err);
	if (rc == DPC_OK && m->lock >= 0 && is_to_be_refreshed(m)) {
		struct digest key = run_of_answer(m);
		if (has_lock_for(m, &key))
			return lead(outcome, m, true, err);
	}
	if (rc == DPC_OK) {
		drop_lock(m);
		*outcome = serve(m);
		return DPC_OK;
	}
	if (rc == DPC_MISS)
		rc = ask_observe(m->ask, err);
	*outcome = MEET_NESTED;
	if (rc == DPC_OK && !run_by_a_parent(&m->ask->run))
		return meet_others(outcome, m, err);
	drop_lock(m);
	return rc;
}
