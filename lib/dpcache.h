/* dpcache: remember what a slow question answered.
 *
 * The one public header of libdpcache. Everything here is safe to call
 * through an FFI: opaque handles, fixed-width integers, sized buffers.
 *
 * Units: durations and ages are nanoseconds, sizes are bytes.
 * Errors: 0 (DPC_OK), DPC_MISS, or a negative DPC_E code. A miss is not an
 * error. Functions that take a dpc_error fill it when they return a negative
 * code; it may be NULL.
 * Threads: a dpc_cache may be used by one thread at a time; different handles
 * are independent. A child that was forked may go on with its parent's handles: nothing
 * that is open is shared, and of what is in memory each has its own. The library never prints, exits or touches signals.
 */
#ifndef DPCACHE_H
#define DPCACHE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DPC_API __attribute__((visibility("default")))
#else
#define DPC_API
#endif

/* A duration that never ends. */
#define DPC_FOREVER INT64_MAX

enum {
	DPC_OK = 0,
	DPC_MISS = 1,         /* nothing (valid) is remembered under this key */
	DPC_E_USAGE = -1,     /* an argument is out of range or malformed */
	DPC_E_MEMORY = -2,    /* out of memory */
	DPC_E_IO = -3,        /* a system call failed; the message has errno */
	DPC_E_HOME = -4,      /* the cache directory cannot be used */
	DPC_E_CORRUPT = -5,   /* stored data is damaged */
	DPC_E_VERSION = -6,   /* stored data was made by a later version */
	DPC_E_BUSY = -7,      /* somebody else holds a lock for too long */
	DPC_E_NOTFOUND = -8,  /* a named file or command does not exist */
	DPC_E_DENIED = -9     /* found, but not permitted or not executable */
};

/* Holds one message, in one line, without the program's name. The caller
 * owns it; `code` is one of the codes above. */
typedef struct dpc_error {
	int32_t code;
	char message[508];
} dpc_error;

/* An open cache. */
typedef struct dpc_cache dpc_cache;

/* The library's version, as "major.minor.patch". Static storage. */
DPC_API const char *dpc_version(void);

/* Open the cache at `url`, as dpcache-stores(7) has them: "sqlite:DIRECTORY", …, the
 * default one where DIRECTORY is left out, or one on a server. NULL takes
 * DPCACHE_STORE and DPCACHE_DIR from the environment, as the command does. The
 * directory is created where it is missing. On success *out is owned by the caller,
 * who ends it with dpc_cache_close.
 *
 * "mem:" is at most 64 MiB in this process, which end with the handle. "tier:mem:,URL"
 * puts as much memory in front of the store at URL: what this handle has seen counts
 * there for a second, so that what others replace or remove shows after at most a
 * second; an invalidation shows at once, and so does what the handle itself puts or
 * removes. Without it all of that shows with the next call. */
DPC_API int dpc_cache_open(dpc_cache **out, const char *url, dpc_error *err);

/* Close and free; NULL is allowed. */
DPC_API void dpc_cache_close(dpc_cache *cache);

/* Read the value named by `key` (any bytes, key_size >= 1). On DPC_OK *value
 * is heap memory of *size bytes, to be ended with dpc_free; an empty value is
 * not NULL. `ttl` is the greatest age this caller accepts (>= 0); a negative
 * ttl takes the one given to dpc_cache_put. DPC_MISS when there is none. */
DPC_API int dpc_cache_get(uint8_t **value, uint64_t *size, dpc_cache *cache, const void *key,
                          uint64_t key_size, int64_t ttl, dpc_error *err);

/* Remember `size` bytes under `key`, replacing what was there. `ttl` (>= 0 or
 * DPC_FOREVER) is kept beside the value: it decides when `dpcache prune` may
 * drop it, and is the default for readers. */
DPC_API int dpc_cache_put(dpc_cache *cache, const void *key, uint64_t key_size, const void *value,
                          uint64_t size, int64_t ttl, dpc_error *err);

/* Forget the value under `key`. DPC_MISS when there was none. */
DPC_API int dpc_cache_remove(dpc_cache *cache, const void *key, uint64_t key_size, dpc_error *err);

/* Free what this library allocated; NULL is allowed. */
DPC_API void dpc_free(void *memory);

#ifdef __cplusplus
}
#endif
#endif
