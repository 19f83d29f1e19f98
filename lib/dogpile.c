#include "dogpile.h"

#include "clock.h"
#include "deadlock.h"
#include "jobserver.h"
#include "lock.h"
#include "meet.h"
#include "os.h"
#include "proclocks.h"
#include "stall.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The head of the capsule being built; an empty or broken one reads as
 * CAPSULE_BUILDING. `voided` stands for itself: it counts there, too, for the
 * leader may have been stopped while it wrote. */
static void peek(struct capsule *c, int fd)
{
	uint32_t voided;
	if (capsule_read_head(c, fd, NULL) == DPC_OK)
		return;
	*c = (struct capsule){.state = CAPSULE_BUILDING};
	if (pread(fd, &voided, sizeof voided, CAPSULE_VOIDED_AT) == sizeof voided)
		c->voided = voided;
}

enum step { STEP_AGAIN, STEP_DONE, STEP_TIMED_OUT, STEP_FAILED };

/* A caller who waits in one file. */
struct wait {
	const struct caller *who;
	int64_t arrival; /* wall clock, ns: of the caller, not at this file */
	int64_t since;   /* clock_mono_ns: at this file */
	int fd;
	struct capsule before, after;
};

/* The leader of `fd` died. Retire its file, unless somebody else did. */
static int bury(const struct caller *who, int fd)
{
	int got = lock_wait_exclusive(fd, who->deadline);
	if (got == 1)
		lock_retire(who->h, who->key, fd);
	return got;
}

/* Did the leader end it sooner than this caller would have? */
static bool was_cut_short(const struct wait *w, const struct capsule *after)
{
	int64_t patience = w->who->max_run;
	return (after->flags & CAPSULE_CUT) && (!patience || patience > after->cost);
}

/* Is the run that ended so one whose result this caller may have? Not one that
 * was invalidated before we came, nor one that was cut short; for a caller who
 * wants a fresh run, only one that began after. */
static bool may_share(const struct wait *w, const struct capsule *after)
{
	bool outdated = w->before.voided || after->generation < w->who->h->state.floor;
	return !outdated && !was_cut_short(w, after) && (!w->who->must_lead || after->started > w->arrival);
}

/* The run is over; what is left of it for us? Closes fd unless FOLLOW. */
static enum step take_part(enum role *role, const struct wait *w)
{
	const struct capsule *after = &w->after;
	/* It was over when we looked first: not a run that we waited for. A leader that
	 * died before it took its file away may have left it there long ago. */
	if (w->before.state != CAPSULE_BUILDING && after->started <= w->arrival) {
		close(w->fd);
		return STEP_AGAIN;
	}
	if (after->state == CAPSULE_DONE && may_share(w, after)) {
		/* Read without the lock: it must not stand in anybody's way. */
		flock(w->fd, LOCK_UN);
		*role = ROLE_FOLLOW;
		return STEP_DONE;
	}
	close(w->fd);
	if (after->state == CAPSULE_DONE || (after->state == CAPSULE_ELSEWHERE && w->who->must_lead))
		return STEP_AGAIN;
	*role = after->state == CAPSULE_ELSEWHERE ? ROLE_LOOK_AGAIN : ROLE_ALONE;
	return STEP_DONE;
}

/* 1 the run is over, 0 out of time, -1 with errno, and: */
enum { CIRCLE = 2 };

/* How long its leader lets the run go on, in ns; 0: no limit. */
static int64_t may_last(const struct wait *w)
{
	return w->before.state == CAPSULE_BUILDING ? w->before.grace : 0;
}

/* Has the run gone on for longer than it may, as far as we have seen ourselves?
 * No clock but our own tells that. */
static void mind_its_age(struct wait *w)
{
	if (!w->before.started)
		peek(&w->before, w->fd);
	int64_t age = may_last(w);
	if (age > 0 && clock_mono_ns() - w->since > age + STALL_MERCY_S * INT64_C(1000000000))
		stall_end(w->fd);
}

/* Circles can only close around those who are inside a run: they look up now
 * and then, and so does who has somebody to tell, or a run to see ended. */
static int wait_in_slices(struct wait *w, bool inside)
{
	static const int64_t SLICE = INT64_C(100) * 1000000;
	const struct caller *who = w->who;
	for (;;) {
		if (inside && deadlock_would_close(who->h, who->key))
			return CIRCLE;
		int64_t soon = clock_mono_ns() + SLICE;
		int got = lock_wait_shared(w->fd, soon < who->deadline ? soon : who->deadline);
		if (got != 0 || soon >= who->deadline)
			return got;
		mind_its_age(w);
		if (who->waiting)
			who->waiting(who->context, w->fd);
	}
}

static int wait_for_end(struct wait *w)
{
	bool inside = getenv(MEET_RUNNING) != NULL;
	bool looks_up = inside || w->who->waiting || may_last(w) > 0;
	/* Waiting with an end to it is asking again and again: not to be seen. */
	if (looks_up || w->who->deadline != DPC_FOREVER)
		proclocks_announce(w->fd);
	return looks_up ? wait_in_slices(w, inside) : lock_wait_shared(w->fd, w->who->deadline);
}

/* What ended under our eyes, or has to be buried. */
static enum step end_of_wait(enum role *role, struct wait *w, int got)
{
	if (got == 1) {
		peek(&w->after, w->fd);
		/* A leader takes the file away before it lets go: where the path still names
		 * the file, it died, whatever it had written. */
		if (w->after.state != CAPSULE_BUILDING && !lock_is_current(w->who->h, w->who->key, w->fd))
			return take_part(role, w);
		got = bury(w->who, w->fd);
		if (got == 1)
			return STEP_AGAIN;
	}
	close(w->fd);
	*role = ROLE_ALONE;
	if (got == CIRCLE)
		return STEP_DONE;
	return got == 0 ? STEP_TIMED_OUT : STEP_FAILED;
}

/* --- a run that is shown as it goes on --- */

static bool accept(void *context, const struct capsule *head)
{
	struct wait *w = context;
	return w->before.state == CAPSULE_BUILDING && may_share(w, head) && w->who->matches(w->who->context, w->fd);
}

static void look_up(void *context, const struct capsule *head)
{
	struct wait *w = context;
	(void)head;
	mind_its_age(w);
	if (w->who->waiting)
		w->who->waiting(w->who->context, w->fd);
}

static void make_room(void *context)
{
	struct wait *w = context;
	if (w->who->relaying)
		w->who->relaying(w->who->context);
}

/* The leader died. */
static enum step go_on_elsewhere(struct wait *w)
{
	resume_restart(&w->who->live->given);
	int got = bury(w->who, w->fd);
	if (got == 1)
		return STEP_AGAIN;
	close(w->fd);
	return got == 0 ? STEP_TIMED_OUT : STEP_FAILED;
}

/* DPC_OK with *step, closing fd; DPC_MISS: it is not to be shown, or no further, but
 * waited for. */
static int show(enum step *step, enum role *role, struct wait *w, dpc_error *err)
{
	struct live *l = w->who->live;
	enum live_end end;
	l->accept = accept;
	l->waiting = look_up;
	l->relaying = make_room;
	l->context = w;
	int rc = live_follow(&end, l, w->fd, w->who->deadline, err);
	if (rc == DPC_OK && end == LIVE_ENDED)
		resume_restart(&l->given);
	if (rc == DPC_OK && (end == LIVE_REFUSED || end == LIVE_ENDED))
		return DPC_MISS;
	if (rc != DPC_OK) {
		close(w->fd);
		/* Nothing went out: as if it could not be shared. */
		*step = STEP_DONE;
		*role = ROLE_ALONE;
		return l->relayed ? rc : DPC_OK;
	}
	if (end == LIVE_DIED) {
		*step = go_on_elsewhere(w);
		return DPC_OK;
	}
	bool whole = end == LIVE_DONE && !was_cut_short(w, &l->head);
	close(w->fd);
	/* Cut short, it may have said less than was given; but not with success. */
	if (whole && capsule_exit_status(l->head.status) == 0 && resume_end(&l->given, err) != DPC_OK)
		return DPC_E_CONFLICT;
	*role = ROLE_SHOWN;
	*step = whole ? STEP_DONE : end == LIVE_DONE ? STEP_AGAIN : STEP_TIMED_OUT;
	/* What comes instead begins anew. */
	if (!whole)
		resume_restart(&l->given);
	return DPC_OK;
}

/* Somebody leads: wait, then read how it ended. Takes fd over unless FOLLOW. */
static int follow(enum step *step, enum role *role, const struct caller *who, int64_t arrival, int fd,
                  dpc_error *err)
{
	struct wait w = {.who = who, .arrival = arrival, .since = clock_mono_ns(), .fd = fd};
	struct jobserver job;
	int rc = DPC_MISS;
	peek(&w.before, fd);
	/* Who wants a fresh run wants it for all who come later, too. */
	if (who->must_lead && w.before.started && w.before.started <= arrival)
		capsule_void(fd);
	jobserver_give(&job);
	if (who->live)
		rc = show(step, role, &w, err);
	if (rc == DPC_MISS) {
		*step = end_of_wait(role, &w, wait_for_end(&w));
		rc = DPC_OK;
	}
	jobserver_take(&job);
	return rc;
}

/* Try to lead: a descriptor in *fd whose lock is ours (1), or somebody else's
 * (0); -1 with errno. */
static int try_to_lead(int *fd, const struct caller *who)
{
	struct stat st;
	for (;;) {
		*fd = lock_open(who->h, who->key);
		int got = *fd < 0 ? -1 : lock_try_exclusive(*fd);
		if (got != 1)
			return got;
		/* Never lead in a file that has been led in: a dead leader may have
		 * linked it into data/, and followers may be reading it. */
		if (lock_is_current(who->h, who->key, *fd) && fstat(*fd, &st) == 0 && st.st_size == 0)
			return 1;
		lock_retire(who->h, who->key, *fd);
	}
}

bool dogpile_is_led(const struct home *h, const struct digest *key)
{
	char name[LOCK_NAME];
	lock_name(name, key);
	int fd = openat(h->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	bool led = lock_wait_shared(fd, 0) == 0;
	close(fd);
	return led;
}

int dogpile_try(int *fd, const struct home *h, const struct digest *key)
{
	struct caller who = {.h = h, .key = key};
	int got = try_to_lead(fd, &who);
	if (got != 1 && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return got;
}

int dogpile_join(enum role *role, int *out, const struct caller *who, dpc_error *err)
{
	int64_t arrival = clock_wall_ns();
	enum step step = STEP_AGAIN;
	while (step == STEP_AGAIN) {
		int got = try_to_lead(out, who);
		if (got < 0) {
			int rc = dpc__fail_errno(err, "cannot lock the key in %s/locks", who->h->path);
			if (*out >= 0)
				close(*out);
			*out = -1;
			return rc;
		}
		*role = ROLE_LEAD;
		step = STEP_DONE;
		int rc = got == 1 ? DPC_OK : follow(&step, role, who, arrival, *out, err);
		if (rc != DPC_OK) {
			*out = -1;
			return rc;
		}
	}
	if (step == STEP_TIMED_OUT)
		*role = ROLE_TIMED_OUT;
	if (step != STEP_DONE || (*role != ROLE_LEAD && *role != ROLE_FOLLOW))
		*out = -1;
	return step == STEP_FAILED ? dpc__fail_errno(err, "cannot wait for the key in %s/locks", who->h->path) : DPC_OK;
}
