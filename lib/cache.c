/* The public interface: an open cache and its named values. */
#include "store.h"
#include "value.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

struct dpc_cache {
	struct home home;
	char *url; /* that it borrows from; NULL: the default */
};

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
	int rc = store_locate(&c->home, c->url && *c->url ? c->url : NULL, err);
	if (rc == DPC_OK)
		rc = home_create(&c->home, err);
	if (rc == DPC_OK)
		rc = store_join(&c->home, err);
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

/* The invalidation stamps may have moved since the cache was opened. DPC_MISS where
 * nothing is kept. */
static int renew_state(dpc_cache *cache, dpc_error *err)
{
	if (cache->home.engine == ENGINE_NULL)
		return DPC_MISS;
	return state_read(&cache->home.state, cache->home.fd, err);
}

/* The value is what went to standard output, its frames one behind the other:
 * of a remembered run, too, as with `dpcache get`. `to` has room for all. */
static int read_frames(uint8_t *to, uint64_t *size, const struct answer *a, dpc_error *err)
{
	*size = 0;
	for (uint64_t at = 0; at < a->frames.size;) {
		uint64_t word;
		if (frames_read(&word, sizeof word, &a->frames, at, err) != DPC_OK)
			return DPC_E_CORRUPT;
		word = le64toh(word);
		at += sizeof word;
		if (frame_word_stream(word) == STREAM_OUT) {
			if (frames_read(to + *size, frame_word_size(word), &a->frames, at, err) != DPC_OK)
				return DPC_E_CORRUPT;
			*size += frame_word_size(word);
		}
		at += frame_word_size(word);
	}
	return DPC_OK;
}

int dpc_cache_get(uint8_t **value, uint64_t *size, dpc_cache *cache, const void *key, uint64_t key_size,
                  int64_t ttl, dpc_error *err)
{
	struct value_name n;
	struct answer found = ANSWER_NONE;
	if (!value || !size)
		return dpc__fail(err, DPC_E_USAGE, "value or size is NULL");
	*value = NULL;
	*size = 0;
	int rc = check_arguments(&n, cache, key, key_size, err);
	if (rc == DPC_OK)
		rc = renew_state(cache, err);
	if (rc == DPC_OK)
		rc = value_get(&found, &cache->home, &n, ttl, err);
	if (rc != DPC_OK)
		return rc;
	*value = malloc(found.capsule.output_size ? found.capsule.output_size : 1);
	rc = *value ? read_frames(*value, size, &found, err) : dpc__fail(err, DPC_E_MEMORY, "out of memory");
	if (rc != DPC_OK) {
		free(*value);
		*value = NULL;
		*size = 0;
	}
	answer_release(&found);
	return rc;
}

static int feed_bytes(void *context, struct recorder *r, dpc_error *err)
{
	const struct slice *value = context;
	return recorder_append(r, STREAM_OUT, value->data, value->size, err);
}

int dpc_cache_put(dpc_cache *cache, const void *key, uint64_t key_size, const void *value, uint64_t size,
                  int64_t ttl, dpc_error *err)
{
	struct value_name n;
	int rc = check_arguments(&n, cache, key, key_size, err);
	if (rc == DPC_OK && ((size && !value) || ttl < 0))
		rc = dpc__fail(err, DPC_E_USAGE, "value is NULL, or ttl is negative");
	if (rc == DPC_OK)
		rc = renew_state(cache, err);
	struct slice bytes = {value, size};
	if (rc == DPC_OK)
		rc = value_put(&cache->home, &n, ttl, feed_bytes, &bytes, err);
	/* Invalidated while we wrote is as good as right afterwards. */
	return rc == DPC_MISS ? DPC_OK : rc;
}

int dpc_cache_remove(dpc_cache *cache, const void *key, uint64_t key_size, dpc_error *err)
{
	struct value_name n;
	int rc = check_arguments(&n, cache, key, key_size, err);
	if (rc == DPC_OK)
		rc = renew_state(cache, err);
	return rc == DPC_OK ? value_remove(&cache->home, &n, err) : rc;
}
