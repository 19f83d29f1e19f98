#include "capsule.h"

#include "os.h"

#include <endian.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char MAGIC[8] = "DPCAPSUL";

/* Everything but `voided`, which stands between. */
static uint64_t head_sum(const uint8_t head[CAPSULE_HEAD])
{
	uint8_t copy[CAPSULE_HEAD - 8];
	memcpy(copy, head, sizeof copy);
	memset(copy + CAPSULE_VOIDED_AT, 0, sizeof(uint32_t));
	return hash64(copy, sizeof copy);
}

static void put_u32(uint8_t **at, uint32_t v)
{
	v = htole32(v);
	memcpy(*at, &v, sizeof v);
	*at += sizeof v;
}

static void put_u64(uint8_t **at, uint64_t v)
{
	v = htole64(v);
	memcpy(*at, &v, sizeof v);
	*at += sizeof v;
}

void capsule_encode_head(uint8_t out[CAPSULE_HEAD], const struct capsule *c)
{
	uint8_t *at = out;
	memcpy(at, MAGIC, sizeof MAGIC);
	at += sizeof MAGIC;
	put_u32(&at, CAPSULE_VERSION);
	put_u32(&at, c->state);
	put_u32(&at, c->voided);
	put_u32(&at, c->flags);
	memcpy(at, c->key.bytes, sizeof c->key.bytes);
	at += sizeof c->key.bytes;
	put_u32(&at, c->pid);
	put_u32(&at, (uint32_t)c->status);
	put_u64(&at, (uint64_t)c->created.wall);
	put_u64(&at, (uint64_t)c->created.boot);
	put_u64(&at, c->created.boot_id);
	put_u64(&at, c->generation);
	put_u64(&at, (uint64_t)c->ttl);
	put_u64(&at, (uint64_t)c->grace);
	put_u64(&at, (uint64_t)c->cost);
	put_u64(&at, (uint64_t)c->started);
	put_u64(&at, c->meta_size);
	put_u64(&at, c->frames_size);
	put_u64(&at, c->output_size);
	put_u64(&at, c->contents_size);
	put_u64(&at, c->list_size);
	put_u64(&at, c->meta_sum);
	put_u64(&at, c->payload_sum);
	put_u64(&at, c->frames_sum);
	put_u64(&at, c->list_sum);
	put_u64(&at, head_sum(out));
}

static uint32_t get_u32(const uint8_t **at)
{
	uint32_t v;
	memcpy(&v, *at, sizeof v);
	*at += sizeof v;
	return le32toh(v);
}

static uint64_t get_u64(const uint8_t **at)
{
	uint64_t v;
	memcpy(&v, *at, sizeof v);
	*at += sizeof v;
	return le64toh(v);
}

int capsule_decode_head(struct capsule *c, const void *data, size_t size, dpc_error *err)
{
	const uint8_t *at = data;
	if (size < CAPSULE_HEAD || memcmp(at, MAGIC, sizeof MAGIC) != 0)
		return dpc__fail(err, DPC_E_CORRUPT, "not a capsule");
	at += sizeof MAGIC;
	uint32_t version = get_u32(&at);
	if (version > CAPSULE_VERSION)
		return dpc__fail(err, DPC_E_VERSION, "capsule of a later version (%u)", version);
	c->state = get_u32(&at);
	c->voided = get_u32(&at);
	c->flags = get_u32(&at);
	memcpy(c->key.bytes, at, sizeof c->key.bytes);
	at += sizeof c->key.bytes;
	c->pid = get_u32(&at);
	c->status = (int32_t)get_u32(&at);
	c->created.wall = (int64_t)get_u64(&at);
	c->created.boot = (int64_t)get_u64(&at);
	c->created.boot_id = get_u64(&at);
	c->generation = get_u64(&at);
	c->ttl = (int64_t)get_u64(&at);
	c->grace = (int64_t)get_u64(&at);
	c->cost = (int64_t)get_u64(&at);
	c->started = (int64_t)get_u64(&at);
	c->meta_size = get_u64(&at);
	c->frames_size = get_u64(&at);
	c->output_size = get_u64(&at);
	c->contents_size = get_u64(&at);
	c->list_size = get_u64(&at);
	c->meta_sum = get_u64(&at);
	c->payload_sum = get_u64(&at);
	c->frames_sum = get_u64(&at);
	c->list_sum = get_u64(&at);
	if (get_u64(&at) != head_sum(data) || version == 0)
		return dpc__fail(err, DPC_E_CORRUPT, "capsule's head is damaged");
	return DPC_OK;
}

int capsule_read_head(struct capsule *c, int fd, dpc_error *err)
{
	enum { TRIES = 50 };
	uint8_t head[CAPSULE_HEAD];
	int rc = DPC_E_CORRUPT;
	for (int i = 0; i < TRIES && rc == DPC_E_CORRUPT; i++) {
		ssize_t n = os_pread_full(fd, head, sizeof head, 0);
		if (n < 0)
			return dpc__fail_errno(err, "cannot read capsule");
		rc = capsule_decode_head(c, head, (size_t)n, err);
		if (n == 0)
			break;
	}
	return rc;
}

bool capsule_void(int fd)
{
	static const uint32_t voided = UINT32_MAX;
	return pwrite(fd, &voided, sizeof voided, CAPSULE_VOIDED_AT) == sizeof voided;
}

static uint64_t sum_or_most(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t capsule_body_size(const struct capsule *c)
{
	return sum_or_most(c->frames_size, sum_or_most(c->contents_size, c->list_size));
}

uint64_t capsule_size(const struct capsule *c)
{
	return sum_or_most(CAPSULE_HEAD, sum_or_most(c->meta_size, capsule_body_size(c)));
}

void capsule_encode_meta(struct buf *b, struct slice question, const struct observations *o,
                         struct slice label)
{
	struct buf observations = {0};
	observations_put(&observations, o);
	buf_field(b, question.data, question.size);
	buf_field(b, observations.data, observations.size);
	buf_field(b, label.data, label.size);
	b->failed |= observations.failed;
	buf_release(&observations);
}

void capsule_encode_traced(struct buf *b, const struct observations *traced)
{
	struct buf observations = {0};
	observations_put(&observations, traced);
	buf_u8(b, CAPSULE_TRACED);
	buf_field(b, observations.data, observations.size);
	b->failed |= observations.failed;
	buf_release(&observations);
}

int capsule_parse_meta(struct capsule_meta *m, struct slice bytes, dpc_error *err)
{
	struct cursor r = {bytes.data, bytes.data + bytes.size, false};
	m->question = cursor_field(&r);
	m->observations = cursor_field(&r);
	m->label = cursor_field(&r);
	m->traced = (struct slice){NULL, 0};
	if (!r.bad && r.at != r.end && *r.at == CAPSULE_TRACED) {
		cursor_take(&r, 1);
		m->traced = cursor_field(&r);
	}
	while (!r.bad && r.at != r.end && !*r.at)
		r.at++;
	if (r.bad || r.at != r.end)
		return dpc__fail(err, DPC_E_CORRUPT, "capsule's description is malformed");
	return DPC_OK;
}

int capsule_decode_meta(struct capsule_meta *m, const struct capsule *c, struct slice bytes,
                        dpc_error *err)
{
	if (bytes.size != c->meta_size || hash64(bytes.data, bytes.size) != c->meta_sum)
		return dpc__fail(err, DPC_E_CORRUPT, "capsule's description is damaged");
	return capsule_parse_meta(m, bytes, err);
}

int frames_read(void *to, uint64_t size, const struct frames *f, uint64_t at, dpc_error *err)
{
	if (at > f->size || size > f->size - at)
		return dpc__fail(err, DPC_E_CORRUPT, "remembered output is cut short");
	if (f->memory.data) {
		memcpy(to, f->memory.data + at, (size_t)size);
		return DPC_OK;
	}
	ssize_t n = os_pread_full(f->fd, to, (size_t)size, (off_t)(f->offset + at));
	if (n < 0)
		return dpc__fail_errno(err, "cannot read capsule");
	return (uint64_t)n == size ? DPC_OK
	                           : dpc__fail(err, DPC_E_CORRUPT, "remembered output is cut short");
}

struct frames capsule_files(const struct capsule *c, const struct frames *f)
{
	struct frames files = {.fd = f->fd, .offset = f->offset + c->frames_size,
	                       .size = c->contents_size + c->list_size};
	if (f->memory.data)
		files.memory = (struct slice){f->memory.data + c->frames_size, (size_t)files.size};
	return files;
}

int frames_digest(struct digest *out, const struct frames *f, uint64_t at, uint64_t size, dpc_error *err)
{
	uint8_t chunk[65536];
	struct hasher h;
	hasher_init(&h);
	for (uint64_t done = 0; done < size;) {
		uint64_t n = size - done < sizeof chunk ? size - done : sizeof chunk;
		int rc = frames_read(chunk, n, f, at + done, err);
		if (rc != DPC_OK)
			return rc;
		hasher_update(&h, chunk, (size_t)n);
		done += n;
	}
	*out = hasher_sum128(&h);
	return DPC_OK;
}

/* The sums as they build up, and the frame being walked. */
struct check {
	struct hasher payload, words;
	uint64_t frame_left, output;
	uint8_t word[8];
	size_t word_have;
};

/* Take in the next bytes of the frames section, cut anywhere. */
static int check_feed(struct check *k, const uint8_t *p, size_t n)
{
	while (n) {
		size_t take;
		if (k->frame_left) {
			take = n < k->frame_left ? n : (size_t)k->frame_left;
			hasher_update(&k->payload, p, take);
			k->frame_left -= take;
			k->output += take;
		} else {
			take = sizeof k->word - k->word_have;
			take = n < take ? n : take;
			memcpy(k->word + k->word_have, p, take);
			k->word_have += take;
			if (k->word_have == sizeof k->word) {
				struct cursor c = {k->word, k->word + sizeof k->word, false};
				k->frame_left = frame_word_size(cursor_u64(&c));
				if (!k->frame_left)
					return -1;
				hasher_update(&k->words, k->word, sizeof k->word);
				k->word_have = 0;
			}
		}
		p += take;
		n -= take;
	}
	return 0;
}

static int check_file(struct check *k, const struct frames *f, dpc_error *err)
{
	uint8_t chunk[65536];
	for (uint64_t done = 0; done < f->size;) {
		size_t want = f->size - done < sizeof chunk ? (size_t)(f->size - done) : sizeof chunk;
		ssize_t n = os_pread_full(f->fd, chunk, want, (off_t)(f->offset + done));
		if (n < 0)
			return dpc__fail_errno(err, "cannot read capsule");
		if ((size_t)n < want)
			return dpc__fail(err, DPC_E_CORRUPT, "capsule is cut short");
		if (check_feed(k, chunk, want) < 0)
			return dpc__fail(err, DPC_E_CORRUPT, "capsule's frames are damaged");
		done += want;
	}
	return DPC_OK;
}

/* As most values are: in memory, and of one frame, whose sums need no pieces. */
static bool is_one_sound_frame(const struct capsule *c, const struct frames *f)
{
	uint64_t word = htole64(frame_word(STREAM_OUT, c->output_size));
	const uint8_t *at = f->memory.data;
	return at && c->output_size && f->size == sizeof word + c->output_size && f->memory.size >= f->size &&
	       memcmp(at, &word, sizeof word) == 0 && hash64(at, sizeof word) == c->frames_sum &&
	       hash64(at + sizeof word, (size_t)c->output_size) == c->payload_sum;
}

int capsule_check_frames(const struct capsule *c, const struct frames *f, dpc_error *err)
{
	if (is_one_sound_frame(c, f))
		return DPC_OK;
	struct check k = {0};
	int rc = DPC_OK;
	hasher_init(&k.payload);
	hasher_init(&k.words);
	if (!f->memory.data)
		rc = check_file(&k, f, err);
	else if (check_feed(&k, f->memory.data, (size_t)f->size) < 0)
		rc = dpc__fail(err, DPC_E_CORRUPT, "capsule's frames are damaged");
	if (rc != DPC_OK)
		return rc;
	if (k.frame_left || k.word_have || k.output != c->output_size ||
	    hasher_sum64(&k.payload) != c->payload_sum ||
	    hasher_sum64(&k.words) != c->frames_sum)
		return dpc__fail(err, DPC_E_CORRUPT, "capsule's output is damaged");
	return DPC_OK;
}

int capsule_exit_status(int32_t wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}
