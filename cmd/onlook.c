#include "onlook.h"

#include "clock.h"
#include "proclocks.h"

#include <unistd.h>

/* Who is answered sooner need not be told why not. */
static const int64_t PATIENCE = INT64_C(500) * 1000000;

static void tell(void *context, int fd)
{
	struct onlook *w = context;
	struct capsule head;
	int64_t now = clock_mono_ns();
	/* It would be written over the end of what was shown. */
	if (w->live.relayed)
		return;
	if (!w->since)
		w->since = now;
	if (now - w->since < PATIENCE || capsule_read_head(&head, fd, NULL) != DPC_OK)
		return;
	int waiting = proclocks_waiters(fd);
	struct waitline_facts facts = {.pid = head.pid,
	                               .running = clock_wall_ns() - head.started,
	                               .usually = head.cost,
	                               .waiting = waiting > 0 ? (unsigned)waiting : 0};
	waitline_show(&w->line, &facts);
}

static void make_room(void *context)
{
	struct onlook *w = context;
	waitline_erase(&w->line);
}

/* What was shown cannot be taken back when the waiting ends with the old result. */
static bool may_end_with_old(const struct onlook *w, const struct meet *m)
{
	return m->old.bytes.data && w->o->on_timeout == ON_TIMEOUT_STALE && w->o->policy.wait != DPC_FOREVER;
}

/* Not before there is somebody to wait for: a hit asks no terminal. */
static void prepare(struct meet *m)
{
	struct onlook *w = m->context;
	enum follow_mode follow = w->o->follow;
	waitline_init(&w->line, 2);
	if (w->line.fd >= 0)
		m->waiting = tell;
	m->relaying = make_room;
	if (m->live || follow == FOLLOW_NEVER || (follow == FOLLOW_AUTO && !isatty(1)) || may_end_with_old(w, m))
		return;
	live_init(&w->live, 1, 2);
	m->live = &w->live;
}

void onlook_begin(struct onlook *w, const struct run_options *o, struct meet *m)
{
	w->o = o;
	m->prepare = prepare;
	m->context = w;
}

void onlook_go_on(struct onlook *w, struct meet *m, const char *shown)
{
	live_init(&w->live, 1, 2);
	if (resume_decode(&w->live.given, shown, NULL) != DPC_OK)
		return;
	w->live.relayed = true;
	m->live = &w->live;
}

void onlook_end(struct onlook *w)
{
	waitline_erase(&w->line);
}
