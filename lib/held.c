#include "held.h"

#include "process.h"

static const int64_t SHORTLY = HOME_PATIENCE / 100;

void held_init(struct held *h, struct home *home)
{
	*h = (struct held){.home = home, .ops = store_engine(home->engine), .store = {.lock = -1}, .view = STATE_VIEW_NONE};
	h->process = process_number();
}

void held_drop(struct held *h)
{
	store_close(&h->store);
	h->wrote = false;
	h->opened++;
}

void held_close(struct held *h)
{
	int lock = -1;
	bool ours = h->process == process_number();
	if (h->store.self && ours && h->wrote && h->ops->settle && held_lock(&lock, h, NULL) == DPC_OK)
		h->ops->settle(h->store.self);
	held_drop(h);
	home_unlock(lock);
	state_view_release(&h->view);
}

/* What was invalidated on another machine shows here as late as what was removed there. */
static int renew_afar(struct held *h, dpc_error *err)
{
	int64_t now = clock_mono_ns();
	int rc = state_read(&h->home->state, h->home->fd, err);
	if (rc != DPC_OK || now - h->joined <= h->home->net.l1_ttl)
		return rc;
	h->joined = now;
	return store_join(h->home, err);
}

int held_renew(struct held *h, dpc_error *err)
{
	if (h->process != process_number()) {
		held_drop(h);
		h->process = process_number();
	}
	if (h->home->place)
		return renew_afar(h, err);
	if (h->home->mem || state_view_holds(&h->view))
		return DPC_OK;
	held_drop(h);
	return state_view_read(&h->home->state, &h->view, h->home->fd, err);
}

/* Of another store under the same number there is another. */
static int64_t stamp(const struct held *h, uint64_t commit)
{
	return commit ? (int64_t)(h->opened << 44 | (commit & ((UINT64_C(1) << 44) - 1))) : 0;
}

void held_stamps(int64_t *now, int64_t *read, const struct held *h)
{
	uint64_t last = 0, seen = 0;
	if (h->store.self && h->ops->commits)
		h->ops->commits(&last, &seen, h->store.self);
	*now = stamp(h, last);
	*read = stamp(h, seen);
}

int held_lock(int *lock, const struct held *h, dpc_error *err)
{
	*lock = h->home->mem ? -1 : home_lock(h->home, HOME_PATIENCE, err);
	return *lock < 0 && !h->home->mem ? *lock : DPC_OK;
}

int held_open(struct held *h, dpc_error *err)
{
	if (h->store.self)
		return DPC_OK;
	int lock = h->home->mem ? -1 : home_lock(h->home, SHORTLY, NULL);
	if (lock < 0 && !h->home->mem)
		return dpc__fail(err, DPC_E_BUSY, "%s is in use", h->home->path);
	dpc_error why = {0};
	int rc = store_open_kept(&h->store, h->home, &why);
	home_unlock(lock);
	if (rc == DPC_E_NOTFOUND)
		return DPC_MISS;
	return rc == DPC_OK ? rc : dpc__fail(err, rc, "%s", why.message);
}

/* Made as others make it, and then opened to stay: by that the state has become another. */
static int make(struct held *h, dpc_error *err)
{
	struct store s;
	int rc = store_open(&s, h->home, true, err);
	store_close(&s);
	if (rc == DPC_OK)
		rc = held_renew(h, err);
	return rc == DPC_OK ? store_open_kept(&h->store, h->home, err) : rc;
}

int held_open_locked(struct held *h, dpc_error *err)
{
	dpc_error why = {0};
	int rc = DPC_OK;
	if (h->store.self && h->ops->stands && !h->ops->stands(h->store.self))
		held_drop(h);
	if (!h->store.self)
		rc = store_open_kept(&h->store, h->home, &why);
	if (rc == DPC_E_NOTFOUND)
		rc = make(h, err);
	else if (rc != DPC_OK)
		dpc__fail(err, rc, "%s", why.message);
	h->wrote = rc == DPC_OK;
	return rc;
}
