#include "engine.h"

#include <string.h>

/* Each engine has a default directory of its own: a home holds one engine's
 * entries, and who tries another URL should not be told that his cache is not. */
const struct engine_name engine_names[ENGINE_COUNT] = {
    [ENGINE_SQLITE] = {"sqlite", "an SQLite", "/dpcache", .file = "cache.db"},
    [ENGINE_LMDB] = {"lmdb", "an LMDB", "/dpcache-lmdb", .file = "cache.mdb"},
    [ENGINE_GDBM] = {"gdbm", "a GDBM", "/dpcache-gdbm", .file = "cache.gdbm", .object = "gdbm"},
    [ENGINE_REDIS] = {"redis", "a Redis", "/dpcache-redis", NULL, "redis", .remote = true, .databases = true},
    [ENGINE_REDIS_TLS] = {"rediss", "a Redis", "/dpcache-redis", NULL, "redis", .remote = true, .databases = true},
    [ENGINE_REDIS_UNIX] = {"redis+unix", "a Redis", "/dpcache-redis", NULL, "redis", .remote = true, .databases = true},
    [ENGINE_TIER] = {"tier", "a tiered", "/dpcache-tier", NULL, NULL, .remote = true},
    [ENGINE_MEMCACHED] = {"memcached", "a memcached", "/dpcache-memcached", NULL, "memcached", .remote = true},
    [ENGINE_NULL] = {"null", "no", "", NULL, NULL, .fleeting = true},
    [ENGINE_MEM] = {"mem", "a process's own", "", NULL, NULL, .fleeting = true},
};

bool engine_is_loaded_for(const char *url)
{
	const char *rest;
	enum engine e = engine_of_url(url, &rest);
	const char *second = e == ENGINE_TIER ? strchr(rest, ',') : NULL;
	if (e == ENGINE_TIER)
		return second && engine_is_loaded_for(second + 1);
	return e < ENGINE_COUNT && engine_names[e].object;
}

enum engine engine_of_url(const char *url, const char **rest)
{
	enum engine e = 0;
	for (; e < ENGINE_COUNT; e++) {
		size_t n = strlen(engine_names[e].scheme);
		if (strncmp(url, engine_names[e].scheme, n) == 0 && url[n] == ':') {
			*rest = url + n + 1;
			break;
		}
	}
	return e;
}
