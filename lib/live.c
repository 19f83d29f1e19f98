#include "live.h"

#include "clock.h"
#include "lock.h"
#include "os.h"
#include "proclocks.h"
#include "tail.h"
#include "watch.h"

#include <errno.h>
#include <sys/file.h>

struct follow {
	struct tail tail;
	struct live *l;
	int64_t deadline;
	struct watch watch;
	enum live_end end;
	bool accepted, ended;
	bool held; /* something new came before all that was given */
	bool met;  /* it begins with what was given */
};

void live_init(struct live *l, int out, int err)
{
	*l = (struct live){.out = out, .err = err};
	resume_init(&l->given);
}

static int end_as(struct follow *f, enum live_end end)
{
	f->end = end;
	f->ended = true;
	return DPC_OK;
}

static bool out_of_time(const struct follow *f)
{
	return f->deadline != DPC_FOREVER && clock_mono_ns() >= f->deadline;
}

/* --- what comes goes out --- */

static int put_out(struct live *l, enum stream stream, const void *data, size_t size, dpc_error *err)
{
	int *to = stream == STREAM_ERR ? &l->err : &l->out;
	/* Even if nobody takes them: the next run's are not wanted either. */
	resume_note(&l->given, stream, data, size);
	if (*to < 0)
		return DPC_OK;
	if (!l->relayed && l->relaying)
		l->relaying(l->context);
	l->relayed = true;
	if (os_write_all(*to, data, size) == 0)
		return DPC_OK;
	if (errno != EPIPE)
		return dpc__fail_errno(err, "cannot write to %s", stream == STREAM_ERR ? "stderr" : "stdout");
	*to = -1;
	return DPC_OK;
}

/* What a run says goes out once it is known that it begins with what was given, of
 * both streams; what came before that is then read again. */
static int pass_on(struct follow *f, enum stream stream, const void *data, size_t size, dpc_error *err)
{
	struct live *l = f->l;
	f->met |= resume_is_met(&l->given);
	if (f->met && f->held) {
		f->held = false;
		resume_restart(&l->given);
		tail_init(&f->tail, f->tail.fd, 0);
		return DPC_OK;
	}
	f->held |= size && !f->met;
	return size && f->met ? put_out(l, stream, data, size, err) : DPC_OK;
}

static int relay_piece(struct follow *f, dpc_error *err)
{
	uint8_t chunk[65536];
	const uint8_t *data = chunk;
	enum stream stream;
	size_t size;
	int rc = tail_next(&f->tail, &stream, chunk, sizeof chunk, &size, err);
	if (rc == DPC_E_NOTFOUND)
		return end_as(f, LIVE_ENDED);
	if (rc != DPC_OK)
		return rc;
	if (!size) {
		rc = f->tail.head.flags & CAPSULE_CUT ? DPC_OK : resume_end(&f->l->given, err);
		return rc == DPC_OK ? end_as(f, LIVE_DONE) : rc;
	}
	rc = resume_filter(&f->l->given, stream, &data, &size, err);
	return rc == DPC_OK ? pass_on(f, stream, data, size, err) : rc;
}

/* May this run's output go out by now? DPC_MISS: not yet. */
static int admit(struct follow *f, dpc_error *err)
{
	const struct capsule *head = &f->tail.head;
	int rc = tail_look(&f->tail, err);
	if (rc != DPC_OK)
		return rc;
	f->l->head = *head;
	if (head->state != CAPSULE_BUILDING && head->state != CAPSULE_DONE)
		return DPC_OK;
	if (!f->accepted && f->l->accept && !f->l->accept(f->l->context, head))
		return end_as(f, LIVE_REFUSED);
	f->accepted = true;
	return (head->flags & CAPSULE_HELD) && head->state != CAPSULE_DONE ? DPC_MISS : DPC_OK;
}

/* All there is by now; of a run that goes on, only while there is time. */
static int pump(struct follow *f, dpc_error *err)
{
	int rc = f->tail.output ? DPC_OK : admit(f, err);
	while (rc == DPC_OK && !f->ended) {
		rc = relay_piece(f, err);
		if (f->tail.head.state == CAPSULE_BUILDING && out_of_time(f))
			break;
	}
	f->l->head = f->tail.head;
	return rc == DPC_MISS ? DPC_OK : rc;
}

/* --- when nothing comes --- */

/* Whoever gets the lock knows that nobody leads any more; then what the leader
 * wrote last is there as well. */
static int look_after_leader(struct follow *f, dpc_error *err)
{
	int got = lock_wait_shared(f->tail.fd, 0);
	if (got < 0)
		return dpc__fail_errno(err, "cannot look at the key's lock");
	if (got == 0)
		return out_of_time(f) ? end_as(f, LIVE_TIMED_OUT) : DPC_OK;
	flock(f->tail.fd, LOCK_UN);
	int rc = pump(f, err);
	return rc == DPC_OK && !f->ended ? end_as(f, LIVE_DIED) : rc;
}

static void wait_for_more(struct follow *f)
{
	struct live *l = f->l;
	if (l->waiting)
		l->waiting(l->context, &l->head);
	watch_wait(&f->watch, f->deadline);
}

int live_follow(enum live_end *end, struct live *l, int fd, int64_t deadline, dpc_error *err)
{
	struct follow f = {.l = l, .deadline = deadline};
	int rc = DPC_OK;
	l->head = (struct capsule){0};
	tail_init(&f.tail, fd, 0);
	proclocks_announce(fd);
	/* From before the first look on, so that no change is missed. */
	watch_open(&f.watch, fd);
	for (;;) {
		rc = pump(&f, err);
		if (rc == DPC_OK && !f.ended)
			rc = look_after_leader(&f, err);
		if (rc != DPC_OK || f.ended)
			break;
		wait_for_more(&f);
	}
	watch_close(&f.watch);
	/* It may be waited for in flock now, and shall not count twice. */
	proclocks_withdraw(fd);
	*end = f.end;
	return rc;
}
