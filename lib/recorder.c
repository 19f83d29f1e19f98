#include "recorder.h"

#include "os.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { WORD = 8, PAGE = 4096 };

/* A file from this size on begins at a page's start: only so can its blocks be shared. */
enum { ALIGNED_FROM = 65536 };

static void describe_meta(struct recorder *r)
{
	r->capsule.meta_size = r->meta.size;
	r->capsule.meta_sum = hash64(r->meta.data, r->meta.size);
}

/* A head is written around the `voided` word, which others may have set: what
 * lies before it tells the state, what lies behind it all the rest. */
enum { BEHIND = CAPSULE_VOIDED_AT + 4 };

static int write_head_part(const struct recorder *r, const struct capsule *c, size_t from, size_t to,
                           dpc_error *err)
{
	uint8_t head[CAPSULE_HEAD];
	capsule_encode_head(head, c);
	if (os_pwrite_all(r->fd, head + from, to - from, (off_t)from) < 0)
		return dpc__fail_errno(err, "cannot write to the cache");
	return DPC_OK;
}

/* Tell readers what there is by now. Between two states of CAPSULE_BUILDING
 * only the part behind differs. */
static int publish(const struct recorder *r, const struct capsule *c, dpc_error *err)
{
	return write_head_part(r, c, BEHIND, CAPSULE_HEAD, err);
}

/* The part that makes the file a capsule last. */
static int write_head(const struct recorder *r, dpc_error *err)
{
	int rc = publish(r, &r->capsule, err);
	return rc == DPC_OK ? write_head_part(r, &r->capsule, 0, CAPSULE_VOIDED_AT, err) : rc;
}

static int write_meta(const struct recorder *r, dpc_error *err)
{
	if (os_pwrite_all(r->fd, r->meta.data, r->meta.size, CAPSULE_HEAD) < 0)
		return dpc__fail_errno(err, "cannot write to the cache");
	return DPC_OK;
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
	int rc = write_meta(r, err);
	return rc == DPC_OK ? write_head(r, err) : rc;
}

static off_t file_at(const struct recorder *r, uint64_t frames_offset)
{
	return (off_t)(CAPSULE_HEAD + r->meta.size + frames_offset);
}

static void put_in_memory(struct buf *b, uint64_t at, const void *data, size_t size)
{
	if (at == b->size)
		buf_put(b, data, size);
	else if (!b->failed)
		memcpy(b->data + at, data, size);
}

/* Bytes of the frames section: in memory until the spill, and in the file. */
static int put(struct recorder *r, uint64_t at, const void *data, size_t size, dpc_error *err)
{
	if (!r->spilled)
		put_in_memory(&r->small, at, data, size);
	if (r->small.failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	if (r->fd >= 0 && os_pwrite_all(r->fd, data, size, file_at(r, at)) < 0)
		return dpc__fail_errno(err, "cannot write to the cache");
	return DPC_OK;
}

static void encode_word(uint8_t word[WORD], const struct recorder *r)
{
	uint64_t v = frame_word(r->open_stream, r->open_size);
	for (int i = 0; i < WORD; i++)
		word[i] = (uint8_t)(v >> (8 * i));
}

/* Its word is in its place already; with its last size it counts. */
static void close_frame(struct recorder *r)
{
	uint8_t word[WORD];
	if (!r->open_size)
		return;
	encode_word(word, r);
	hasher_update(&r->words, word, sizeof word);
	r->open_size = 0;
}

static void open_frame(struct recorder *r, enum stream stream)
{
	static const uint8_t unknown[WORD];
	r->open_at = r->capsule.frames_size;
	r->open_stream = stream;
	r->capsule.frames_size += WORD;
	if (!r->spilled)
		buf_put(&r->small, unknown, sizeof unknown);
}

int recorder_describe(struct recorder *r, bool apart, dpc_error *err)
{
	static const uint8_t zeros[PAGE];
	/* Bring the first frame's bytes to a page's start: the kernel copies pages
	 * from there to a file half as fast again as from anywhere else. */
	size_t past = (CAPSULE_HEAD + r->meta.size + WORD) % PAGE;
	if (apart)
		buf_put(&r->meta, zeros, (PAGE - past) % PAGE);
	if (r->meta.failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	describe_meta(r);
	return DPC_OK;
}

/* Move the frames to the file alone, and to their last place in it. */
static int spill(struct recorder *r, dpc_error *err)
{
	struct capsule moving = r->capsule;
	int rc;
	if (r->fd < 0)
		return dpc__fail(err, DPC_E_IO, "no file to keep the output in");
	moving.frames_size = moving.output_size = 0;
	if (r->small.size && (rc = publish(r, &moving, err)) != DPC_OK)
		return rc;
	rc = recorder_describe(r, true, err);
	if (rc != DPC_OK || (rc = write_meta(r, err)) != DPC_OK)
		return rc;
	if (os_pwrite_all(r->fd, r->small.data, r->small.size, file_at(r, 0)) < 0)
		return dpc__fail_errno(err, "cannot write to the cache");
	buf_release(&r->small);
	r->spilled = true;
	return DPC_OK;
}

static bool outgrows_memory(const struct recorder *r, uint64_t more)
{
	return capsule_size(&r->capsule) + WORD + more > CAPSULE_INLINE;
}

/* What was refused does not count, not even in part: whoever asked passes it on
 * otherwise. The word tells of that in memory, too, where it is read once more. */
static void take_back(struct recorder *r, size_t size)
{
	uint8_t word[WORD];
	r->capsule.frames_size -= size;
	r->capsule.output_size -= size;
	r->open_size -= size;
	encode_word(word, r);
	if (r->open_size)
		(void)put(r, r->open_at, word, sizeof word, NULL);
	else
		r->capsule.frames_size = r->open_at;
}

/* First the bytes, then their frame's word, then the head that shows them. */
static int extend_frame(struct recorder *r, const void *data, size_t size, dpc_error *err)
{
	uint8_t word[WORD];
	int rc = put(r, r->capsule.frames_size, data, size, err);
	if (rc != DPC_OK) {
		/* A word with nothing behind it is no frame. */
		if (!r->open_size)
			r->capsule.frames_size = r->open_at;
		return rc;
	}
	r->capsule.frames_size += size;
	r->capsule.output_size += size;
	r->open_size += size;
	encode_word(word, r);
	rc = put(r, r->open_at, word, sizeof word, err);
	if (rc == DPC_OK && r->fd >= 0)
		rc = publish(r, &r->capsule, err);
	if (rc != DPC_OK)
		take_back(r, size);
	return rc;
}

int recorder_append(struct recorder *r, enum stream stream, const void *data, size_t size,
                    dpc_error *err)
{
	int rc;
	if (!size)
		return DPC_OK;
	if (size > r->limit - r->capsule.output_size)
		return dpc__fail(err, DPC_E_USAGE, "output is larger than --max-output");
	if (!r->spilled && outgrows_memory(r, size) && (rc = spill(r, err)) != DPC_OK)
		return rc;
	if (r->open_stream != stream)
		close_frame(r);
	if (!r->open_size)
		open_frame(r, stream);
	hasher_update(&r->payload, data, size);
	return extend_frame(r, data, size, err);
}

/* --- files, behind the frames --- */

/* Where the files section ends by now, as put and file_at count. */
static uint64_t behind(const struct recorder *r)
{
	return capsule_body_size(&r->capsule);
}

/* Is there room for `more`? Who reads along may do so while it goes on. */
static int make_room(struct recorder *r, uint64_t more, dpc_error *err)
{
	if (r->spilled || !outgrows_memory(r, more))
		return DPC_OK;
	int rc = spill(r, err);
	return rc == DPC_OK ? publish(r, &r->capsule, err) : rc;
}

/* All of a file's first bytes, or fewer where it has become shorter. */
static int64_t take_bytes(struct recorder *r, int from, uint64_t size, dpc_error *err)
{
	uint8_t small[CAPSULE_INLINE];
	if (r->spilled) {
		int64_t copied = os_copy(r->fd, file_at(r, behind(r)), from, 0, size);
		return copied < 0 ? dpc__fail_errno(err, "cannot write to the cache") : copied;
	}
	ssize_t n = os_pread_full(from, small, (size_t)size, 0);
	if (n < 0)
		return dpc__fail_errno(err, "cannot read an output");
	int rc = put(r, behind(r), small, (size_t)n, err);
	return rc == DPC_OK ? n : rc;
}

int recorder_take_file(struct recorder *r, int from, uint64_t size, uint64_t *at, dpc_error *err)
{
	if (size > r->limit - r->capsule.output_size - r->taken)
		return dpc__fail(err, DPC_E_USAGE, "output is larger than --max-output");
	int rc = make_room(r, size, err);
	if (rc != DPC_OK)
		return rc;
	/* The gap is a hole, for what is behind it is written. */
	if (size >= ALIGNED_FROM)
		r->capsule.contents_size += (uint64_t)(PAGE - file_at(r, behind(r)) % PAGE) % PAGE;
	*at = r->capsule.contents_size;
	int64_t n = take_bytes(r, from, size, err);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n < size)
		return dpc__fail(err, DPC_E_CONFLICT, "an output changed while it was read");
	r->capsule.contents_size += size;
	r->taken += size;
	return DPC_OK;
}

int recorder_list(struct recorder *r, const struct buf *list, dpc_error *err)
{
	if (list->failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	int rc = make_room(r, list->size, err);
	if (rc == DPC_OK)
		rc = put(r, behind(r), list->data, list->size, err);
	if (rc != DPC_OK)
		return rc;
	r->capsule.list_size = list->size;
	r->capsule.list_sum = hash64(list->data, list->size);
	r->capsule.flags |= CAPSULE_FILES;
	return DPC_OK;
}

void recorder_drop_files(struct recorder *r)
{
	r->capsule.contents_size = r->capsule.list_size = r->capsule.list_sum = r->taken = 0;
	r->capsule.flags &= ~(uint32_t)CAPSULE_FILES;
	if (!r->spilled && r->small.size > r->capsule.frames_size)
		r->small.size = (size_t)r->capsule.frames_size;
	if (r->fd < 0)
		return;
	(void)!ftruncate(r->fd, file_at(r, r->capsule.frames_size));
	/* A move to the file alone may have come to nothing half-way. */
	r->broken = !r->spilled && (write_meta(r, NULL) != DPC_OK ||
	                            os_pwrite_all(r->fd, r->small.data, r->small.size, file_at(r, 0)) < 0);
}

int recorder_finish(struct recorder *r, enum capsule_state state, dpc_error *err)
{
	if (r->broken)
		return dpc__fail(err, DPC_E_IO, "the cache has no room for the output");
	close_frame(r);
	r->capsule.payload_sum = hasher_sum64(&r->payload);
	r->capsule.frames_sum = hasher_sum64(&r->words);
	r->capsule.state = state;
	return r->fd >= 0 ? write_head(r, err) : DPC_OK;
}

void recorder_give_up(struct recorder *r, enum capsule_state state)
{
	uint8_t head[CAPSULE_HEAD];
	if (r->fd < 0)
		return;
	r->capsule.state = state;
	r->capsule.frames_size = r->capsule.output_size = 0;
	r->capsule.contents_size = r->capsule.list_size = 0;
	capsule_encode_head(head, &r->capsule);
	/* Overwrites bytes that are there already: a full disk cannot refuse it. */
	(void)os_pwrite_all(r->fd, head, sizeof head, 0);
	(void)!ftruncate(r->fd, file_at(r, 0));
}

struct frames recorder_frames(const struct recorder *r)
{
	struct frames f = {.fd = r->fd, .offset = (uint64_t)file_at(r, 0), .size = r->capsule.frames_size};
	if (!r->spilled)
		f.memory = (struct slice){r->small.data, (size_t)r->capsule.frames_size};
	return f;
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
