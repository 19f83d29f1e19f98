#include "lookup.h"

int64_t lookup_ttl(const struct policy *p, int32_t wait_status)
{
	return exit_set_has(&p->cache_exit, capsule_exit_status(wait_status)) ? p->ttl : p->ttl_fail;
}

enum verdict lookup_judge(int64_t *age, const struct capsule *c, const struct policy *p,
                          const struct state *s)
{
	*age = moment_age(&c->created);
	if (c->voided || c->generation < s->floor)
		return VERDICT_INVALIDATED;
	if (*age < 0)
		return VERDICT_FUTURE;
	int64_t ttl = lookup_ttl(p, c->status);
	if (ttl > 0 && *age <= ttl)
		return VERDICT_FRESH;
	return ttl == p->ttl ? VERDICT_EXPIRED : VERDICT_FAILED;
}

const char *lookup_verdict_name(enum verdict v)
{
	switch (v) {
	case VERDICT_FRESH:
		return "fresh";
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
