#include "plain.h"

#include "near.h"
#include "vault.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SAME_LIMIT = 8 << 20 };

int plain_begin(struct plain *p, struct home *home, size_t l1_size, int64_t l1_ttl, dpc_error *err)
{
	*p = (struct plain){.near = l1_size ? memory_new(l1_size) : NULL, .l1_ttl = l1_ttl};
	held_init(&p->held, home);
	/* One that cannot be had is done without. */
	if (!l1_size && p->held.ops->commits)
		p->same = memory_new(SAME_LIMIT);
	return l1_size && !p->near ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : DPC_OK;
}

void plain_end(struct plain *p)
{
	held_close(&p->held);
	memory_free(p->near);
	memory_free(p->same);
	p->near = p->same = NULL;
	buf_release(&p->spare);
}

/* --- getting --- */

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

static int take_value(uint8_t **value, uint64_t *size, const struct answer *a, dpc_error *err)
{
	*value = malloc(a->capsule.output_size ? a->capsule.output_size : 1);
	int rc = *value ? read_frames(*value, size, a, err) : dpc__fail(err, DPC_E_MEMORY, "out of memory");
	if (rc != DPC_OK) {
		free(*value);
		*value = NULL;
		*size = 0;
	}
	return rc;
}

static int copy_value(uint8_t **value, uint64_t *size, struct slice from, dpc_error *err)
{
	*value = malloc(from.size ? from.size : 1);
	if (!*value)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	if (from.size)
		memcpy(*value, from.data, from.size);
	*size = from.size;
	return DPC_OK;
}

enum { SPARE = 65536 };

/* In the store that is open; or as anybody else looks. */
static int look_far(struct answer *out, struct plain *p, struct ask *a, dpc_error *err)
{
	int rc = p->held.ops->keeps ? held_open(&p->held, err) : DPC_E_BUSY;
	if (rc == DPC_OK) {
		rc = vault_find(out, a, &p->held.store, err);
		if (rc < 0)
			held_drop(&p->held);
	} else if (rc == DPC_E_BUSY) {
		rc = value_find(out, a, err);
	}
	return rc;
}

static void keep(struct plain *p, const struct ask *a, const struct capsule *c, struct slice value)
{
	int64_t now, read = 0;
	if (p->near)
		near_keep(p->near, a, c, value, clock_mono_ns());
	if (p->same)
		held_stamps(&now, &read, &p->held);
	if (read)
		near_keep(p->same, a, c, value, read);
}

static int get_far(uint8_t **value, uint64_t *size, struct plain *p, struct naming *g, int64_t ttl, dpc_error *err)
{
	struct answer found = {.fd = -1, .bytes = p->spare};
	p->spare = (struct buf){0};
	int rc = look_far(&found, p, &g->ask, err);
	if (rc == DPC_OK && ttl < 0 && found.age > found.capsule.ttl)
		rc = DPC_MISS;
	if (rc == DPC_OK)
		rc = take_value(value, size, &found, err);
	if (rc == DPC_OK)
		keep(p, &g->ask, &found.capsule, (struct slice){*value, *size});
	/* The next one needs as much; a large one is no measure. */
	if (found.bytes.capacity <= SPARE) {
		p->spare = found.bytes;
		found.bytes = (struct buf){0};
	}
	answer_release(&found);
	return rc;
}

static int find_near(struct slice *bytes, int64_t *written_for, int64_t *age, struct plain *p, struct ask *a)
{
	int64_t now = 0, read;
	if (p->near)
		return near_find(bytes, written_for, age, p->near, a, clock_mono_ns(), p->l1_ttl);
	if (p->same)
		held_stamps(&now, &read, &p->held);
	return now ? near_find(bytes, written_for, age, p->same, a, now, 0) : DPC_MISS;
}

static int get_near(uint8_t **value, uint64_t *size, struct plain *p, struct naming *g, int64_t ttl, dpc_error *err)
{
	struct slice bytes;
	int64_t written_for, age;
	int rc = find_near(&bytes, &written_for, &age, p, &g->ask);
	if (rc == DPC_OK && ttl < 0 && age > written_for)
		rc = DPC_MISS;
	return rc == DPC_OK ? copy_value(value, size, bytes, err) : rc;
}

int plain_get(uint8_t **value, uint64_t *size, struct plain *p, const struct value_name *n, int64_t ttl,
              dpc_error *err)
{
	struct naming g;
	int rc = held_renew(&p->held, err);
	if (rc != DPC_OK)
		return rc;
	rc = value_name_it(&g, p->held.home, n, ttl < 0 ? DPC_FOREVER : ttl, err);
	if (rc == DPC_OK)
		rc = get_near(value, size, p, &g, ttl, err);
	if (rc == DPC_MISS)
		rc = get_far(value, size, p, &g, ttl, err);
	ask_release(&g.ask);
	return rc;
}

/* --- putting --- */

static void put_frames(struct buf *out, struct capsule *c, struct slice value)
{
	uint64_t word = htole64(frame_word(STREAM_OUT, value.size));
	size_t words = value.size ? sizeof word : 0;
	buf_put(out, &word, words);
	buf_put(out, value.data, value.size);
	c->frames_size = words + value.size;
	c->output_size = value.size;
	c->frames_sum = hash64(&word, words);
	c->payload_sum = hash64(value.data, value.size);
}

/* The whole capsule, as a recorder would write it; its head is in *c. */
static int encode(struct buf *out, struct capsule *c, const struct naming *g, struct slice value, dpc_error *err)
{
	*c = (struct capsule){
	    .state = CAPSULE_DONE,
	    .key = g->ask.key,
	    .generation = g->ask.home->state.generation,
	    .pid = (uint32_t)getpid(),
	    .flags = CAPSULE_VALUE,
	    .ttl = g->policy.ttl,
	};
	moment_now(&c->created);
	c->started = c->created.wall;
	uint8_t *head = buf_reserve(out, CAPSULE_HEAD);
	if (head)
		out->size = CAPSULE_HEAD;
	ask_describe(out, &g->ask);
	c->meta_size = out->size - CAPSULE_HEAD;
	if (!out->failed)
		c->meta_sum = hash64(out->data + CAPSULE_HEAD, (size_t)c->meta_size);
	put_frames(out, c, value);
	if (out->failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	capsule_encode_head(out->data, c);
	return DPC_OK;
}

/* Under the write lock. What it was made from holds as long as nothing was invalidated. */
static int commit(struct plain *p, const struct naming *g, const struct capsule *c, const struct buf *bytes,
                  dpc_error *err)
{
	int rc = held_renew(&p->held, err);
	if (rc == DPC_OK && c->generation < p->held.home->state.floor)
		return DPC_MISS;
	if (rc == DPC_OK)
		rc = held_open_locked(&p->held, err);
	if (rc == DPC_OK)
		rc = vault_put_value(&g->ask, c, (struct slice){bytes->data, bytes->size}, &p->held.store, err);
	if (rc < 0)
		held_drop(&p->held);
	return rc;
}

static int put_held(struct plain *p, struct naming *g, struct slice value, dpc_error *err)
{
	struct capsule c;
	struct buf bytes = {0};
	int lock = -1, rc = encode(&bytes, &c, g, value, err);
	if (rc == DPC_OK)
		rc = held_lock(&lock, &p->held, err);
	if (rc == DPC_OK)
		rc = commit(p, g, &c, &bytes, err);
	home_unlock(lock);
	if (rc == DPC_OK && p->near)
		near_keep(p->near, &g->ask, &c, value, clock_mono_ns());
	buf_release(&bytes);
	return rc;
}

static int feed_bytes(void *context, struct recorder *r, dpc_error *err)
{
	const struct slice *value = context;
	return recorder_append(r, STREAM_OUT, value->data, value->size, err);
}

/* Large ones are files, but in memory. */
static bool is_for_held(const struct plain *p, const struct value_name *n, struct slice value)
{
	enum { AROUND = 1024 };
	return p->held.home->mem ||
	       (p->held.ops->keeps && n->name.size + value.size < CAPSULE_INLINE - AROUND && n->name.size < AROUND);
}

int plain_put(struct plain *p, const struct value_name *n, int64_t ttl, struct slice value, dpc_error *err)
{
	struct naming g;
	int rc = held_renew(&p->held, err);
	if (rc != DPC_OK)
		return rc;
	rc = value_name_it(&g, p->held.home, n, ttl, err);
	/* Whatever comes of it, the old one is not what anybody wants here. */
	if (rc == DPC_OK && p->near)
		memory_remove(p->near, &g.ask.key);
	if (rc == DPC_OK)
		rc = is_for_held(p, n, value) ? put_held(p, &g, value, err)
		                              : value_put(p->held.home, n, ttl, feed_bytes, &value, err);
	ask_release(&g.ask);
	return rc;
}

/* --- removing --- */

static int remove_held(struct plain *p, const struct digest *key, dpc_error *err)
{
	struct buf none = {0};
	int rc = held_open(&p->held, err);
	if (rc == DPC_OK)
		rc = store_remove(&p->held.store, key, &none, err);
	buf_release(&none);
	return rc;
}

int plain_remove(struct plain *p, const struct value_name *n, dpc_error *err)
{
	struct digest key;
	int rc = held_renew(&p->held, err);
	if (rc == DPC_OK)
		rc = value_key(&key, p->held.home, n, err);
	if (rc != DPC_OK)
		return rc;
	if (p->near)
		memory_remove(p->near, &key);
	return p->held.home->mem ? remove_held(p, &key, err) : vault_remove(p->held.home, &key, err);
}
