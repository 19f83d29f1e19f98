#include "meet.h"

#include "lock.h"
#include "os.h"
#include "present.h"

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

static int fetch(struct meet *m)
{
	int rc = m->fetch(&m->answer, m->ask, &m->store_error);
	/* A store that cannot be asked is a miss. */
	m->store_down = rc < 0;
	return rc < 0 ? DPC_MISS : rc;
}

static int look(struct meet *m, dpc_error *err)
{
	int rc = ask_recall(&m->answer, m->ask, err);
	if (rc == DPC_MISS && m->fetch && (rc = ask_observe(m->ask, err)) == DPC_OK)
		rc = fetch(m);
	return rc;
}

/* Could the store know more than the shelf? Not of a key it never had, nor of
 * one whose entry was on the shelf and too old. */
static bool store_may_know(const struct meet *m)
{
	return !m->ask->policy->refresh && !m->ask->found_stale &&
	       present_maybe(m->ask->home, &m->ask->key);
}

/* With the lock in hand, look again: the last leader may have answered while
 * we came. */
static int lead(enum meeting *outcome, struct meet *m, dpc_error *err)
{
	int rc = m->ask->policy->refresh ? DPC_MISS : look(m, err);
	if (rc == DPC_OK) {
		dismiss(m);
		*outcome = MEET_HIT;
		return DPC_OK;
	}
	if (rc == DPC_MISS) {
		*outcome = MEET_LEAD;
		return DPC_OK;
	}
	meet_abandon(m);
	return rc;
}

/* What the leader left in its file is ours, if it answered our question. */
static enum meeting take_followed(struct meet *m, int fd)
{
	struct answer *a = &m->answer;
	if (answer_from_fd(a, fd, NULL) == DPC_OK && ask_matches(m->ask, &a->meta) &&
	    capsule_check_frames(&a->capsule, &a->frames, NULL) == DPC_OK)
		return MEET_FOLLOWED;
	answer_release(a);
	return MEET_ALONE;
}

static int64_t deadline_of(const struct policy *p)
{
	int64_t now = clock_mono_ns();
	return p->wait > DPC_FOREVER - now ? DPC_FOREVER : now + p->wait;
}

static int join(enum meeting *outcome, struct meet *m, dpc_error *err)
{
	const struct policy *p = m->ask->policy;
	int64_t deadline = deadline_of(p);
	int usable = home_check_locks(m->ask->home, err);
	if (usable != DPC_OK)
		return usable;
	for (;;) {
		enum role role;
		int fd;
		int rc = dogpile_join(&role, &fd, m->ask->home, &m->ask->key, deadline, p->refresh, err);
		if (rc != DPC_OK)
			return rc;
		switch (role) {
		case ROLE_LEAD:
			m->lock = fd;
			m->lock_key = m->ask->key;
			return lead(outcome, m, err);
		case ROLE_FOLLOW:
			*outcome = take_followed(m, fd);
			return DPC_OK;
		case ROLE_LOOK_AGAIN:
			rc = look(m, err);
			*outcome = MEET_HIT;
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

int meet_callers(enum meeting *outcome, struct meet *m, dpc_error *err)
{
	const struct policy *p = m->ask->policy;
	int rc = p->refresh ? DPC_MISS : ask_recall(&m->answer, m->ask, err);
	*outcome = MEET_HIT;
	if (rc != DPC_MISS)
		goto out;
	if ((rc = ask_observe(m->ask, err)) != DPC_OK)
		goto out;
	if (run_by_a_parent(&m->ask->key)) {
		*outcome = MEET_NESTED;
		goto out;
	}
	if (m->lock >= 0 && memcmp(&m->lock_key, &m->ask->key, sizeof m->lock_key) == 0 &&
	    lock_is_current(m->ask->home, &m->ask->key, m->lock))
		return lead(outcome, m, err);
	drop_lock(m);
	if (store_may_know(m)) {
		*outcome = m->fetch ? MEET_HIT : MEET_STORE;
		if (!m->fetch || fetch(m) == DPC_OK)
			return DPC_OK;
	}
	if (p->no_coalesce) {
		*outcome = MEET_ALONE;
		return DPC_OK;
	}
	return join(outcome, m, err);
out:
	drop_lock(m);
	return rc;
}
