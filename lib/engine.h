/* The engines that a store's URL can name. What is behind one is store.h's; here
 * is what finding a home needs, without opening a database. */
#ifndef DPC_ENGINE_H
#define DPC_ENGINE_H

#include <stdbool.h>

enum engine {
	ENGINE_SQLITE, /* the default */
	ENGINE_LMDB,
	ENGINE_GDBM,
	ENGINE_REDIS,
	ENGINE_REDIS_TLS,
	ENGINE_REDIS_UNIX,
	ENGINE_TIER, /* one here in front of one on a server */
	ENGINE_MEMCACHED,
	/* A new one comes here: their numbers stand in the homes' state files. */
	ENGINE_NULL, /* keeps nothing, and has no home */
	ENGINE_MEM,  /* nor has this: it keeps something as long as a handle of the library is open */
	ENGINE_COUNT
};

/* As usage has them. */
#define ENGINE_URLS "sqlite:[DIRECTORY], lmdb:[DIRECTORY], gdbm:[DIRECTORY], redis://HOST[:PORT][/DB], rediss://…, redis+unix://PATH, memcached://HOST[:PORT][,…], tier:NEAR,FAR, mem: or null:"

struct engine_name {
	const char *scheme;    /* of its URLs, without the colon */
	const char *title;     /* of its cache, as people say it, with the article */
	const char *directory; /* of the cache where nobody says which; below ~/.cache */
	const char *file;      /* in the home, by which it is known; NULL: none */
	const char *object;    /* that is loaded for it (plugin.h), by its name; NULL: linked in. Several
	                        * may share one. */
	bool remote;           /* the truth is on a server; the home has only what is hot, and the locks */
	bool databases;        /* the server has several, by number */
	bool fleeting;         /* nothing outlives the process: there is no home */
};

extern const struct engine_name engine_names[ENGINE_COUNT];

/* The engine of a URL, and what stands behind the colon in *rest. ENGINE_COUNT
 * when it names none. */
enum engine engine_of_url(const char *url, const char **rest);

/* Is it one for which an object is loaded? */
bool engine_is_loaded_for(const char *url);

#endif
