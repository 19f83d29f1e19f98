#include "tail.h"

#include "os.h"

#include <endian.h>

enum { WORD = 8 };

void tail_init(struct tail *t, int fd, enum stream only)
{
	*t = (struct tail){.fd = fd, .only = only};
	hasher_init(&t->payload);
	hasher_init(&t->words);
}

int tail_look(struct tail *t, dpc_error *err)
{
	uint8_t head[CAPSULE_HEAD];
	struct capsule c;
	ssize_t n = os_pread_full(t->fd, head, sizeof head, 0);
	if (n < 0)
		return dpc__fail_errno(err, "cannot read capsule");
	int rc = capsule_decode_head(&c, head, (size_t)n, NULL);
	if (rc == DPC_E_VERSION)
		return dpc__fail(err, rc, "capsule of a later version");
	if (rc != DPC_OK)
		return DPC_MISS;
	t->head = c;
	return DPC_OK;
}

/* Each byte of the frames section that is no output belongs to a frame's word. */
static uint64_t frame_count(const struct capsule *c)
{
	return c->frames_size > c->output_size ? (c->frames_size - c->output_size) / WORD : 0;
}

static uint64_t position(const struct tail *t)
{
	return t->frame_at + WORD + t->taken;
}

/* Does the head tell of more than was read? */
static bool has_more(const struct tail *t)
{
	return t->frames < frame_count(&t->head) && t->head.frames_size > position(t);
}

static void close_frame(struct tail *t)
{
	uint64_t word = htole64(frame_word(t->stream, t->taken));
	hasher_update(&t->words, &word, sizeof word);
	t->frames++;
	t->frame_at += WORD + t->taken;
	t->taken = 0;
}

/* What was read, before it is known whether it can be trusted. */
struct piece {
	enum stream stream;
	uint64_t frame_size, size;
	bool cut_short;
};

static int read_at(const struct tail *t, uint64_t at, void *to, size_t size, struct piece *p, dpc_error *err)
{
	ssize_t n = os_pread_full(t->fd, to, size, (off_t)(CAPSULE_HEAD + t->head.meta_size + at));
	if (n < 0)
		return dpc__fail_errno(err, "cannot read capsule");
	p->cut_short |= (size_t)n < size;
	return DPC_OK;
}

static bool skips(const struct tail *t, const struct piece *p)
{
	return t->only && p->stream != t->only;
}

static int read_piece(const struct tail *t, struct piece *p, void *to, size_t room, dpc_error *err)
{
	uint64_t word = 0, end = t->head.frames_size;
	*p = (struct piece){0};
	int rc = read_at(t, t->frame_at, &word, sizeof word, p, err);
	if (rc != DPC_OK)
		return rc;
	word = le64toh(word);
	bool last = t->frames + 1 == frame_count(&t->head);
	p->stream = frame_word_stream(word);
	p->frame_size = last ? end - t->frame_at - WORD : frame_word_size(word);
	uint64_t left = p->frame_size > t->taken ? p->frame_size - t->taken : 0;
	if (left > end - position(t)) {
		p->cut_short = true;
		return DPC_OK;
	}
	p->size = skips(t, p) || left < room ? left : room;
	return skips(t, p) ? DPC_OK : read_at(t, position(t), to, (size_t)p->size, p, err);
}

/* Is what was read by the head of before what the head of now tells of? What
 * is complete moves no more. */
static int confirm(struct tail *t, bool *same, dpc_error *err)
{
	uint64_t meta_size = t->head.meta_size, frames_size = t->head.frames_size;
	*same = t->head.state == CAPSULE_DONE;
	if (*same)
		return DPC_OK;
	int rc = tail_look(t, err);
	*same = rc == DPC_OK && t->head.meta_size == meta_size && t->head.frames_size >= frames_size;
	return rc;
}

static bool is_sound(const struct tail *t, const struct piece *p)
{
	return !p->cut_short && p->frame_size && p->frame_size >= t->taken &&
	       (p->stream == STREAM_OUT || p->stream == STREAM_ERR) && (!t->taken || p->stream == t->stream);
}

/* What was read counts: true when there are bytes of it to give. */
static bool take(struct tail *t, const struct piece *p, const void *data)
{
	t->stream = p->stream;
	t->taken += p->size;
	t->output += p->size;
	if (!p->size)
		close_frame(t);
	else if (!skips(t, p))
		hasher_update(&t->payload, data, (size_t)p->size);
	return p->size && !skips(t, p);
}

/* The head tells of nothing more: for now, or for ever? */
static int at_end(struct tail *t, dpc_error *err)
{
	const struct capsule *c = &t->head;
	if (c->state == CAPSULE_BUILDING)
		return DPC_MISS;
	if (c->state != CAPSULE_DONE)
		return dpc__fail(err, DPC_E_NOTFOUND, "the run's output cannot be had from here");
	if (t->taken)
		close_frame(t);
	if (t->frame_at != c->frames_size || t->output != c->output_size ||
	    hasher_sum64(&t->words) != c->frames_sum || (!t->only && hasher_sum64(&t->payload) != c->payload_sum))
		return dpc__fail(err, DPC_E_CORRUPT, "capsule's output is damaged");
	return DPC_OK;
}

int tail_next(struct tail *t, enum stream *stream, void *to, size_t room, size_t *size, dpc_error *err)
{
	struct piece p;
	bool same;
	int rc;
	*size = 0;
	for (;;) {
		if (!has_more(t) && ((rc = tail_look(t, err)) != DPC_OK || !has_more(t)))
			return rc == DPC_OK ? at_end(t, err) : rc;
		if ((rc = read_piece(t, &p, to, room, err)) != DPC_OK || (rc = confirm(t, &same, err)) != DPC_OK)
			return rc;
		if (!same)
			continue;
		if (!is_sound(t, &p))
			return dpc__fail(err, DPC_E_CORRUPT, "capsule's frames are damaged");
		if (take(t, &p, to))
			break;
	}
	*stream = p.stream;
	*size = (size_t)p.size;
	return DPC_OK;
}
