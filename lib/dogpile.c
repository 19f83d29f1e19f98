#include "dogpile.h"

#include "lock.h"
#include "os.h"

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

/* The leader of `fd` died. Retire its file, unless somebody else did. */
static int bury(const struct home *h, const struct digest *key, int fd, int64_t deadline)
{
	int got = lock_wait_exclusive(fd, deadline);
	if (got != 1)
		return got;
	struct capsule c;
	peek(&c, fd);
	if (c.state == CAPSULE_BUILDING)
		lock_retire(h, key, fd);
	else
		close(fd);
	return 1;
}

enum step { STEP_AGAIN, STEP_DONE, STEP_TIMED_OUT, STEP_FAILED };

/* Somebody leads: wait, then read how it ended. Takes fd over unless FOLLOW. */
static enum step follow(enum role *role, const struct home *h, const struct digest *key, int fd,
                        int64_t deadline, bool must_lead)
{
	struct capsule before, after;
	peek(&before, fd);
	int got = lock_wait_shared(fd, deadline);
	if (got != 1) {
		close(fd);
		return got == 0 ? STEP_TIMED_OUT : STEP_FAILED;
	}
	peek(&after, fd);
	if (after.state == CAPSULE_BUILDING) {
		got = bury(h, key, fd, deadline);
		if (got != 1)
			close(fd);
		return got == 1 ? STEP_AGAIN : got == 0 ? STEP_TIMED_OUT : STEP_FAILED;
	}
	/* Invalidated before we came: that run answers an older question. */
	bool outdated = before.voided || after.generation < h->state.floor;
	if (after.state == CAPSULE_DONE && !outdated && !must_lead) {
		*role = ROLE_FOLLOW;
		return STEP_DONE;
	}
	close(fd);
	if (after.state == CAPSULE_DONE)
		return STEP_AGAIN;
	*role = after.state == CAPSULE_ELSEWHERE && !must_lead ? ROLE_LOOK_AGAIN : ROLE_ALONE;
	return after.state == CAPSULE_ELSEWHERE && must_lead ? STEP_AGAIN : STEP_DONE;
}

int dogpile_join(enum role *role, int *out, const struct home *h, const struct digest *key,
                 int64_t deadline, bool must_lead, dpc_error *err)
{
	*out = -1;
	for (;;) {
		int fd = lock_open(h, key);
		int got = fd < 0 ? -1 : lock_try_exclusive(fd);
		if (got < 0) {
			int rc = dpc__fail_errno(err, "cannot lock the key in %s/locks", h->path);
			if (fd >= 0)
				close(fd);
			return rc;
		}
		if (got == 1) {
			if (!lock_is_current(h, key, fd)) {
				close(fd);
				continue;
			}
			/* A dead leader may have left its run in it: not to be followed. */
			(void)!ftruncate(fd, 0);
			*role = ROLE_LEAD;
			*out = fd;
			return DPC_OK;
		}
		switch (follow(role, h, key, fd, deadline, must_lead)) {
		case STEP_AGAIN:
			continue;
		case STEP_FAILED:
			return dpc__fail_errno(err, "cannot wait for the key in %s/locks", h->path);
		case STEP_TIMED_OUT:
			*role = ROLE_TIMED_OUT;
			return DPC_OK;
		case STEP_DONE:
			if (*role == ROLE_FOLLOW)
				*out = fd;
			return DPC_OK;
		}
	}
}
