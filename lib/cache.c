/* The public interface: an open cache and its named values. */
#include "plain.h"
#include "store/mem.h"

#include <stdlib.h>
#include <string.h>

struct dpc_cache {
	struct home home;
	char *url;          /* that it borrows from; NULL: the default */
	struct plain plain; /* of a cache that keeps anything */
	bool keeps;
};

/* Of what a process keeps in its own memory. */
enum { MEMORY_LIMIT = 64 << 20 };
static const int64_t L1_TTL = INT64_C(1000000000);

static const char TIER[] = "tier:mem:,";

static bool is_tier(const char *url)
{
	return url && strncmp(url, TIER, sizeof TIER - 1) == 0;
}

/* DPC_MISS: nothing is ever kept there. */
static int open_home(struct dpc_cache *c, const char *url, dpc_error *err)
{
	int rc = store_locate(&c->home, url, err);
	if (rc == DPC_OK && c->home.engine == ENGINE_MEM)
		return mem_home_begin(&c->home, MEMORY_LIMIT, err);
	if (rc == DPC_OK)
		rc = home_create(&c->home, err);
	return rc == DPC_OK ? store_join(&c->home, err) : rc;
}

static int open_located(struct dpc_cache *c, dpc_error *err)
{
	const char *url = c->url && *c->url ? c->url : NULL;
	bool tier = is_tier(url);
	if (tier)
		url += sizeof TIER - 1;
	if (tier && !*url)
		return dpc__fail(err, DPC_E_USAGE, "%s wants a store behind the comma", TIER);
	int rc = open_home(c, url, err);
	if (rc != DPC_OK)
		return rc;
	c->keeps = true;
	return plain_begin(&c->plain, &c->home, tier ? MEMORY_LIMIT : 0, L1_TTL, err);
}

int dpc_cache_open(dpc_cache **out, const char *url, dpc_error *err)
{
	if (!out)
		return dpc__fail(err, DPC_E_USAGE, "out is NULL");
	*out = NULL;
	dpc_cache *c = calloc(1, sizeof *c);
	if (!c)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	if (!url)
		url = getenv("DPCACHE_STORE");
	if (url && !(c->url = strdup(url))) {
		free(c);
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	}
	c->home.fd = -1;
	clock_asked_often();
	int rc = open_located(c, err);
	if (rc < 0)
		dpc_cache_close(c);
	else
		*out = c;
	return rc < 0 ? rc : DPC_OK;
}

void dpc_cache_close(dpc_cache *cache)
{
	if (!cache)
		return;
	if (cache->keeps)
		plain_end(&cache->plain);
	mem_home_end(&cache->home);
	home_close(&cache->home);
	free(cache->url);
	free(cache);
}

void dpc_free(void *memory)
{
	free(memory);
}

static int check_arguments(struct value_name *n, const dpc_cache *cache, const void *key, uint64_t key_size,
                           dpc_error *err)
{
	if (!cache || !key)
		return dpc__fail(err, DPC_E_USAGE, "cache or key is NULL");
	if (!key_size || key_size > UINT32_MAX)
		return dpc__fail(err, DPC_E_USAGE, "the key is empty or too long");
	*n = (struct value_name){.name = {key, key_size}};
	return DPC_OK;
}

int dpc_cache_get(uint8_t **value, uint64_t *size, dpc_cache *cache, const void *key, uint64_t key_size,
                  int64_t ttl, dpc_error *err)
{
	struct value_name n;
	if (!value || !size)
		return dpc__fail(err, DPC_E_USAGE, "value or size is NULL");
	*value = NULL;
	*size = 0;
	int rc = check_arguments(&n, cache, key, key_size, err);
	if (rc == DPC_OK)
		rc = cache->keeps ? plain_get(value, size, &cache->plain, &n, ttl, err) : DPC_MISS;
	return rc;
}

int dpc_cache_put(dpc_cache *cache, const void *key, uint64_t key_size, const void *value, uint64_t size,
                  int64_t ttl, dpc_error *err)
{
	struct value_name n;
	int rc = check_arguments(&n, cache, key, key_size, err);
	if (rc == DPC_OK && ((size && !value) || ttl < 0))
		rc = dpc__fail(err, DPC_E_USAGE, "value is NULL, or ttl is negative");
	if (rc == DPC_OK && cache->keeps)
		rc = plain_put(&cache->plain, &n, ttl, (struct slice){value, size}, err);
	/* Invalidated while we wrote is as good as right afterwards. */
	return rc == DPC_MISS ? DPC_OK : rc;
}

int dpc_cache_remove(dpc_cache *cache, const void *key, uint64_t key_size, dpc_error *err)
{
	struct value_name n;
	int rc = check_arguments(&n, cache, key, key_size, err);
	if (rc == DPC_OK)
		rc = cache->keeps ? plain_remove(&cache->plain, &n, err) : DPC_MISS;
	return rc;
}
