/* The meeting of callers at one key: recall, else join, until there is an
 * answer or a part to play. The front and the core walk it alike; only the
 * core brings `fetch`, and so only it opens a database. */
#ifndef DPC_MEET_H
#define DPC_MEET_H

#include "ask.h"
#include "dogpile.h"
#include "lease.h"

enum meeting {
	MEET_HIT,      /* the answer is remembered */
	MEET_STALE,    /* the answer is old, but serves; nothing is left to do */
	MEET_REFRESH,  /* the same, and nobody seems to refresh it yet: see meet_take_refresh */
	MEET_FOLLOWED, /* the answer is that of the run we waited for */
	MEET_SHOWN,    /* so it is, and its output went out as it came: live->head tells the rest */
	MEET_STORE,    /* without fetch only: the store may know, and is to be asked */
	MEET_LEAD,     /* run it; the lock is ours */
	MEET_ALONE,    /* run it without a lock */
	MEET_NESTED,   /* this very key is being run by a parent of ours */
	MEET_TIMED_OUT /* the leader is still at work */
};

typedef int meet_fetch_fn(struct answer *out, struct ask *a, dpc_error *err);

/* Among machines, for who has a store that several share: see lease.h. */
struct contest {
	enum lease_outcome (*enter)(void *context, const struct digest *key, int64_t deadline, dpc_error *err);
	void (*leave)(void *context); /* harmless when it was not entered */
	void *context;
};

struct meet {
	struct ask *ask;
	meet_fetch_fn *fetch; /* NULL: the store cannot be asked from here */
	const struct contest *contest; /* after the lock is taken, and with fetch only; NULL: there is one machine */
	int lock;       /* in: a lock already held, or -1; out: for MEET_LEAD, and after meet_take_refresh */
	struct digest lock_key; /* the key it was taken for */
	int claim;       /* out: for MEET_REFRESH, what tells others that we see to it (shelf.h); or -1 */
	int64_t arrival; /* wall clock, ns: of a caller who wants what began after it */
	int64_t refresh_of; /* in: the lock was taken to refresh the entry created then; 0: no */
	/* Called once, when there may be somebody to wait for: fills in what follows.
	 * NULL: not. */
	void (*prepare)(struct meet *m);
	struct live *live; /* show a run that we wait for; NULL: wait for its end. Of other outcomes
	                    * some may have gone out, too: see meet_has_shown */
	void (*waiting)(void *context, int fd); /* called while waiting in fd; NULL: not */
	void (*relaying)(void *context);        /* called before the first byte goes out; NULL: not */
	void *context;
	struct answer answer; /* for MEET_HIT, MEET_STALE, MEET_REFRESH and MEET_FOLLOWED */
	struct answer old;  /* else: one that is too old, to fall back on (see old_verdict) … */
	enum verdict old_verdict; /* … and why it did not serve, or why it is refreshed */
	dpc_error store_error; /* code not 0: something was wrong in the store … */
	bool store_down;       /* … and with the store itself, not one entry */
};

/* All of it empty; `ask` and `fetch` set. */
#define MEET_OF(asking, fetching)                                                                        \
	((struct meet){.ask = (asking), .fetch = (fetching), .lock = -1, .claim = -1, .answer = ANSWER_NONE, .old = ANSWER_NONE})

/* DPC_OK with the outcome; DPC_E_… when inputs or locks cannot be had. An asking that
 * is only to look (ask.h) neither leads nor waits: MEET_ALONE is then what stands
 * for all that could be run or waited for. */
int meet_callers(enum meeting *outcome, struct meet *m, dpc_error *err);

/* Did some of a run go out already? Then what comes goes on from there. */
static inline bool meet_has_shown(const struct meet *m)
{
	return m->live && m->live->relayed;
}

/* Release the answers; the lock is the caller's to hand on or to give back. */
void meet_release(struct meet *m);

/* After MEET_REFRESH: is it on us? Takes the lock, and looks whether the answer is
 * still the one there is. It need not be done before the answer is served. */
bool meet_take_refresh(struct meet *m);

/* Give back a lock that is held, with nothing run: one of those who wait takes
 * the lead. */
void meet_abandon(struct meet *m);

/* The variable that tells a command's own dpcache which keys are being run
 * above it: hexadecimal, separated by colons. */
extern const char MEET_RUNNING[];

#endif
