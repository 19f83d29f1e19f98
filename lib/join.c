/* What holds for all who share a store: its secret and the stamps of invalidation. In front
 * of a network store the state file is a copy of the server's. */
#include "store.h"

#include "shelf.h"

#include <string.h>

/* A secret that changed makes every question another: nothing on the shelf will be asked
 * for again. */
static int take_over(struct home *h, const uint8_t secret[16], uint64_t floor, dpc_error *err)
{
	int lock = home_lock(h, HOME_PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = state_read(&h->state, h->fd, err);
	bool same = rc == DPC_OK && memcmp(h->state.secret, secret, sizeof h->state.secret) == 0;
	if (rc == DPC_OK && !same)
		shelf_clear(h);
	if (rc == DPC_OK && (!same || h->state.floor < floor)) {
		memcpy(h->state.secret, secret, sizeof h->state.secret);
		if (h->state.floor < floor)
			h->state.floor = h->state.generation = floor;
		rc = state_write(&h->state, h->fd, err);
	}
	home_unlock(lock);
	return rc;
}

/* A server that does not answer changes nothing: whoever asks it next will tell. */
static uint64_t floor_of(const struct home *h, const struct remote_ops *remote)
{
	struct store s;
	uint64_t floor = 0;
	if (store_open(&s, h, false, NULL) == DPC_OK && remote->floor(&floor, s.self, false, NULL) != DPC_OK)
		floor = 0;
	store_close(&s);
	return floor;
}

int store_join(struct home *h, dpc_error *err)
{
	const struct store_ops *ops = store_engine(h->engine);
	uint8_t secret[sizeof h->state.secret];
	if (!ops || !ops->remote)
		return DPC_OK;
	int rc = ops->remote->secret(secret, h, err);
	if (rc != DPC_OK)
		return rc;
	uint64_t floor = floor_of(h, ops->remote);
	bool same = memcmp(h->state.secret, secret, sizeof secret) == 0;
	return same && h->state.floor >= floor ? DPC_OK : take_over(h, secret, floor, err);
}

static int raise_remote(struct home *h, const struct remote_ops *remote, dpc_error *err)
{
	struct store s;
	uint64_t floor = 0;
	int rc = store_open(&s, h, false, err);
	if (rc == DPC_OK)
		rc = remote->floor(&floor, s.self, true, err);
	store_close(&s);
	return rc == DPC_OK ? take_over(h, h->state.secret, floor, err) : rc;
}

int store_invalidate(struct home *h, dpc_error *err)
{
	const struct store_ops *ops = store_engine(h->engine);
	if (ops && ops->remote)
		return raise_remote(h, ops->remote, err);
	int lock = home_lock(h, HOME_PATIENCE, err);
	if (lock < 0)
		return lock;
	int rc = state_read(&h->state, h->fd, err);
	if (rc == DPC_OK) {
		state_raise_floor(&h->state);
		rc = state_write(&h->state, h->fd, err);
	}
	home_unlock(lock);
	return rc;
}
