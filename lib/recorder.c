#include "recorder.h"

#include "os.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { WORD = 8, PAGE = 4096 };

static void describe_meta(struct recorder *r)
{
	r->capsule.meta_size = r->meta.size;
	r->capsule.meta_sum = hash64(r->meta.data, r->meta.size);
}

/* All but the `voided` word, which others may have set; the part that makes the
 * file a capsule last. */
static int write_head(struct recorder *r, dpc_error *err)
{
	enum { BEHIND = CAPSULE_VOIDED_AT + 4 };
	uint8_t head[CAPSULE_HEAD];
	capsule_encode_head(head, &r->capsule);
	if (os_pwrite_all(r->fd, head + BEHIND, sizeof head - BEHIND, BEHIND) < 0 ||
	    os_pwrite_all(r->fd, head, CAPSULE_VOIDED_AT, 0) < 0)
		return dpc__fail_errno(err, "cannot write to the cache");
	return DPC_OK;
}

static int write_start(struct recorder *r, dpc_error *err)
{
	if (os_pwrite_all(r->fd, r->meta.data, r->meta.size, CAPSULE_HEAD) < 0)
		return dpc__fail_errno(err, "cannot write to the cache");
	return write_head(r, err);
}

int recorder_begin(struct recorder *r, const struct capsule *capsule, struct buf *meta, int fd,
                   uint64_t limit, dpc_error *err)
{
	*r = (struct recorder){.capsule = *capsule, .meta = *meta, .fd = fd, .limit = limit};
	*meta = (struct buf){0};
	if (r->meta.failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	r->capsule.state = CAPSULE_BUILDING;
	describe_meta(r);
	hasher_init(&r->payload);
	hasher_init(&r->words);
	if (fd < 0)
		return DPC_OK;
	/* What a dead leader left in it is none of ours. */
	(void)!ftruncate(fd, 0);
	return write_start(r, err);
}

static off_t file_at(const struct recorder *r, uint64_t frames_offset)
{
	return (off_t)(CAPSULE_HEAD + r->meta.size + frames_offset);
}

static void encode_word(uint8_t word[WORD], const struct recorder *r)
{
	uint64_t v = frame_word(r->open_stream, r->open_size);
	for (int i = 0; i < WORD; i++)
		word[i] = (uint8_t)(v >> (8 * i));
}

/* The open frame's size is known only now: write its word in front of it. */
static int close_frame(struct recorder *r, dpc_error *err)
{
	uint8_t word[WORD];
	if (!r->open_size)
		return DPC_OK;
	encode_word(word, r);
	hasher_update(&r->words, word, sizeof word);
	r->open_size = 0;
	if (!r->spilled)
		memcpy(r->small.data + r->open_at, word, sizeof word);
	else if (os_pwrite_all(r->fd, word, sizeof word, file_at(r, r->open_at)) < 0)
		return dpc__fail_errno(err, "cannot write to the cache");
	return DPC_OK;
}

static int put_bytes(struct recorder *r, const void *data, size_t size, dpc_error *err)
{
	if (!r->spilled) {
		buf_put(&r->small, data, size);
		if (r->small.failed)
			return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	} else if (os_pwrite_all(r->fd, data, size, file_at(r, r->capsule.frames_size)) < 0) {
		return dpc__fail_errno(err, "cannot write to the cache");
	}
	r->capsule.frames_size += size;
	return DPC_OK;
}

static int spill(struct recorder *r, dpc_error *err)
{
	static const uint8_t zeros[PAGE];
	if (r->fd < 0)
		return dpc__fail(err, DPC_E_IO, "no file to keep the output in");
	/* Bring the first frame's bytes to a page's start: the kernel copies pages
	 * from there to a file half as fast again as from anywhere else. */
	size_t past = (CAPSULE_HEAD + r->meta.size + WORD) % PAGE;
	buf_put(&r->meta, zeros, (PAGE - past) % PAGE);
	if (r->meta.failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	describe_meta(r);
	int rc = write_start(r, err);
	if (rc != DPC_OK)
		return rc;
	if (os_pwrite_all(r->fd, r->small.data, r->small.size, file_at(r, 0)) < 0)
		return dpc__fail_errno(err, "cannot write to the cache");
	buf_release(&r->small);
	r->spilled = true;
	return DPC_OK;
}

static bool outgrows_memory(const struct recorder *r, size_t more)
{
	return CAPSULE_HEAD + r->meta.size + r->capsule.frames_size + WORD + more > CAPSULE_INLINE;
}

int recorder_append(struct recorder *r, enum stream stream, const void *data, size_t size,
                    dpc_error *err)
{
	static const uint8_t unknown[WORD];
	int rc;
	if (!size)
		return DPC_OK;
	if (size > r->limit - r->capsule.output_size)
		return dpc__fail(err, DPC_E_USAGE, "output is larger than --max-output");
	if (!r->spilled && outgrows_memory(r, size) && (rc = spill(r, err)) != DPC_OK)
		return rc;
	if (r->open_size && r->open_stream != stream && (rc = close_frame(r, err)) != DPC_OK)
		return rc;
	if (!r->open_size) {
		r->open_at = r->capsule.frames_size;
		r->open_stream = stream;
		if ((rc = put_bytes(r, unknown, sizeof unknown, err)) != DPC_OK)
			return rc;
	}
	if ((rc = put_bytes(r, data, size, err)) != DPC_OK)
		return rc;
	r->open_size += size;
	r->capsule.output_size += size;
	hasher_update(&r->payload, data, size);
	return DPC_OK;
}

int recorder_finish(struct recorder *r, enum capsule_state state, dpc_error *err)
{
	int rc = close_frame(r, err);
	if (rc != DPC_OK)
		return rc;
	r->capsule.payload_sum = hasher_sum64(&r->payload);
	r->capsule.frames_sum = hasher_sum64(&r->words);
	r->capsule.state = state;
	if (r->fd < 0)
		return DPC_OK;
	if (!r->spilled && os_pwrite_all(r->fd, r->small.data, r->small.size, file_at(r, 0)) < 0)
		return dpc__fail_errno(err, "cannot write to the cache");
	/* The head comes last: only with it does the file become an answer. */
	return write_head(r, err);
}

void recorder_give_up(struct recorder *r, enum capsule_state state)
{
	uint8_t head[CAPSULE_HEAD];
	if (r->fd < 0)
		return;
	r->capsule.state = state;
	r->capsule.frames_size = r->capsule.output_size = 0;
	capsule_encode_head(head, &r->capsule);
	/* Overwrites bytes that are there already: a full disk cannot refuse it. */
	(void)os_pwrite_all(r->fd, head, sizeof head, 0);
	(void)!ftruncate(r->fd, file_at(r, 0));
}

int recorder_frames(struct frames *out, struct recorder *r, dpc_error *err)
{
	int rc = close_frame(r, err);
	*out = (struct frames){.fd = r->fd, .offset = (uint64_t)file_at(r, 0), .size = r->capsule.frames_size};
	if (!r->spilled)
		out->memory = (struct slice){r->small.data, r->small.size};
	return rc;
}

int recorder_inline_bytes(struct recorder *r, struct buf *out)
{
	uint8_t head[CAPSULE_HEAD];
	capsule_encode_head(head, &r->capsule);
	buf_put(out, head, sizeof head);
	buf_put(out, r->meta.data, r->meta.size);
	buf_put(out, r->small.data, r->small.size);
	return out->failed ? -1 : 0;
}

void recorder_release(struct recorder *r)
{
	buf_release(&r->meta);
	buf_release(&r->small);
}
