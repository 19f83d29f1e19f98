#include "dogpile.h"

#include "clock.h"
#include "deadlock.h"
#include "jobserver.h"
#include "lock.h"
#include "meet.h"
#include "os.h"
#include "proclocks.h"

#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The head of the capsule being built; an empty or torn one reads as
 * CAPSULE_BUILDING. */
static void peek(struct capsule *c, int fd)
{
	uint8_t head[CAPSULE_HEAD];
	ssize_t n = os_pread_full(fd, head, sizeof head, 0);
	if (n < 0 || capsule_decode_head(c, head, (size_t)n, NULL) != DPC_OK)
		*c = (struct capsule){.state = CAPSULE_BUILDING};
}

enum step { STEP_AGAIN, STEP_DONE, STEP_TIMED_OUT, STEP_FAILED };

/* What a caller brings to the meeting. */
struct caller {
	const struct home *h;
	const struct digest *key;
	int64_t deadline, arrival; /* clock_mono_ns; wall clock, ns */
	bool must_lead;
};

/* The leader of `fd` died. Retire its file, unless somebody else did. */
static int bury(const struct caller *who, int fd)
{
	int got = lock_wait_exclusive(fd, who->deadline);
	if (got == 1)
		lock_retire(who->h, who->key, fd);
	return got;
}

/* Is the run that ended so one whose result this caller may have? Not one that
 * was invalidated before we came; for a caller who wants a fresh run, only one
 * that began after. */
static bool may_share(const struct caller *who, const struct capsule *before, const struct capsule *after)
{
	bool outdated = before->voided || after->generation < who->h->state.floor;
	return !outdated && (!who->must_lead || after->started > who->arrival);
}

/* The run is over; what is left of it for us? Closes fd unless FOLLOW. */
static enum step take_part(enum role *role, const struct caller *who, int fd, const struct capsule *before,
                           const struct capsule *after)
{
	if (after->state == CAPSULE_DONE && may_share(who, before, after)) {
		/* Read without the lock: it must not stand in anybody's way. */
		flock(fd, LOCK_UN);
		*role = ROLE_FOLLOW;
		return STEP_DONE;
	}
	close(fd);
	if (after->state == CAPSULE_DONE || (after->state == CAPSULE_ELSEWHERE && who->must_lead))
		return STEP_AGAIN;
	*role = after->state == CAPSULE_ELSEWHERE ? ROLE_LOOK_AGAIN : ROLE_ALONE;
	return STEP_DONE;
}

/* Circles can only close around those who are inside a run: they look up now
 * and then. 1 the run is over, 0 out of time, -1 with errno, and: */
enum { CIRCLE = 2 };

static int wait_inside_a_run(const struct caller *who, int fd)
{
	static const int64_t SLICE = INT64_C(100) * 1000000;
	for (;;) {
		if (deadlock_would_close(who->h, who->key))
			return CIRCLE;
		int64_t soon = clock_mono_ns() + SLICE;
		int got = lock_wait_shared(fd, soon < who->deadline ? soon : who->deadline);
		if (got != 0 || soon >= who->deadline)
			return got;
	}
}

static int wait_for_end(const struct caller *who, int fd)
{
	struct jobserver job;
	bool inside = getenv(MEET_RUNNING) != NULL;
	/* Waiting with an end to it is asking again and again: not to be seen. */
	if (inside || who->deadline != DPC_FOREVER)
		proclocks_announce(fd);
	jobserver_give(&job);
	int got = inside ? wait_inside_a_run(who, fd) : lock_wait_shared(fd, who->deadline);
	jobserver_take(&job);
	return got;
}

/* Somebody leads: wait, then read how it ended. Takes fd over unless FOLLOW. */
static enum step follow(enum role *role, const struct caller *who, int fd)
{
	struct capsule before, after;
	peek(&before, fd);
	/* Who wants a fresh run wants it for all who come later, too. */
	if (who->must_lead && before.started && before.started <= who->arrival)
		capsule_void(fd);
	int got = wait_for_end(who, fd);
	if (got == 1) {
		peek(&after, fd);
		/* A leader takes the file away before it lets go: where the path still names the
		 * file, it died, whatever it had written. */
		if (after.state != CAPSULE_BUILDING && !lock_is_current(who->h, who->key, fd))
			return take_part(role, who, fd, &before, &after);
		got = bury(who, fd);
		if (got == 1)
			return STEP_AGAIN;
	}
	close(fd);
	*role = ROLE_ALONE;
	if (got == CIRCLE)
		return STEP_DONE;
	return got == 0 ? STEP_TIMED_OUT : STEP_FAILED;
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

int dogpile_join(enum role *role, int *out, const struct home *h, const struct digest *key,
                 int64_t deadline, bool must_lead, dpc_error *err)
{
	struct caller who = {h, key, deadline, clock_wall_ns(), must_lead};
	enum step step = STEP_AGAIN;
	while (step == STEP_AGAIN) {
		int got = try_to_lead(out, &who);
		if (got < 0) {
			int rc = dpc__fail_errno(err, "cannot lock the key in %s/locks", h->path);
			if (*out >= 0)
				close(*out);
			*out = -1;
			return rc;
		}
		*role = ROLE_LEAD;
		step = got == 1 ? STEP_DONE : follow(role, &who, *out);
	}
	if (step == STEP_TIMED_OUT)
		*role = ROLE_TIMED_OUT;
	if (step != STEP_DONE || (*role != ROLE_LEAD && *role != ROLE_FOLLOW))
		*out = -1;
	return step == STEP_FAILED ? dpc__fail_errno(err, "cannot wait for the key in %s/locks", h->path) : DPC_OK;
}
