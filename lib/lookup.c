#include "lookup.h"

#include "os.h"

#include <string.h>

int64_t lookup_ttl(const struct policy *p, int32_t wait_status)
{
	return exit_set_has(&p->cache_exit, capsule_exit_status(wait_status)) ? p->ttl : p->ttl_fail;
}

/* exp(-x), x >= 0: Taylor's series near 0, squared ten times. Nine digits are right up
 * to x = 37, beyond which it is less than any number it is compared with. The front,
 * where it is a dynamic program, would load libm for nothing else. */
static double exp_of_minus(double x)
{
	double t = x / 1024;
	if (x > 700)
		return 0;
	double p = 1 - t * (1 - t / 2 * (1 - t / 3 * (1 - t / 4 * (1 - t / 5))));
	for (int i = 0; i < 10; i++)
		p *= p;
	return p;
}

/* -delta * beta * ln U >= left, taken the other way round. */
bool lookup_is_early(int64_t left, int64_t delta, double beta, uint64_t random)
{
	/* In (0,1], never 0: the top 53 bits and one more. */
	double u = ((double)(random >> 11) + 1) / 9007199254740992.0;
	double scale = (double)delta * beta;
	return scale > 0 ? u <= exp_of_minus((double)left / scale) : left <= 0;
}

static bool is_early(const struct capsule *c, const struct policy *p, int64_t left)
{
	uint64_t random;
	return p->early > 0 && p->ttl != DPC_FOREVER && os_random(&random, sizeof random) == 0 &&
	       lookup_is_early(left, c->cost, p->early, random);
}

/* Entries that came at one moment shall not all go at one moment. */
static int64_t jittered(const struct capsule *c, const struct policy *p)
{
	if (!p->jitter || p->ttl == DPC_FOREVER)
		return p->ttl;
	uint64_t seed[3];
	memcpy(seed, c->key.bytes, sizeof c->key.bytes);
	seed[2] = (uint64_t)c->created.wall;
	double share = (double)(hash64(seed, sizeof seed) >> 11) / 9007199254740992.0;
	return p->ttl - (int64_t)((double)p->ttl * share * p->jitter / 100);
}

int64_t lookup_left(const struct capsule *c, const struct policy *p, int64_t age)
{
	bool good = exit_set_has(&p->cache_exit, capsule_exit_status(c->status));
	int64_t ttl = good ? jittered(c, p) : p->ttl_fail;
	return ttl == DPC_FOREVER ? DPC_FOREVER : ttl - age;
}

static enum verdict judge_good(const struct capsule *c, const struct policy *p, int64_t age)
{
	int64_t ttl = jittered(c, p), past = age - ttl;
	if (ttl > 0 && past <= 0)
		return is_early(c, p, -past) ? VERDICT_EARLY : VERDICT_FRESH;
	if (p->stale > 0 && past <= p->stale)
		return VERDICT_STALE;
	if (p->stale_if_error > 0 && past <= p->stale_if_error)
		return VERDICT_FOR_ERROR;
	return VERDICT_EXPIRED;
}

enum verdict lookup_judge(int64_t *age, const struct capsule *c, const struct policy *p,
                          const struct state *s)
{
	*age = moment_age(&c->created);
	if (c->voided || c->generation < s->floor)
		return VERDICT_INVALIDATED;
	if (*age < 0)
		return VERDICT_FUTURE;
	if (exit_set_has(&p->cache_exit, capsule_exit_status(c->status)))
		return judge_good(c, p, *age);
	return p->ttl_fail > 0 && *age <= p->ttl_fail ? VERDICT_FRESH : VERDICT_FAILED;
}

const char *lookup_verdict_name(enum verdict v)
{
	switch (v) {
	case VERDICT_FRESH:
		return "fresh";
	case VERDICT_EARLY:
		return "refreshed ahead of expiry";
	case VERDICT_STALE:
		return "stale";
	case VERDICT_FOR_ERROR:
		return "expired, kept in case of errors";
	case VERDICT_EXPIRED:
		return "expired";
	case VERDICT_FAILED:
		return "failure not kept";
	case VERDICT_FUTURE:
		return "made in the future";
	case VERDICT_INVALIDATED:
		return "invalidated";
	}
	return "unknown";
}
