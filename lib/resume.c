#include "resume.h"

#include <stdio.h>
#include <string.h>

static struct resume_stream *stream_of(struct resume *r, enum stream stream)
{
	return &r->streams[stream == STREAM_ERR];
}

void resume_init(struct resume *r)
{
	for (int i = 0; i < 2; i++) {
		r->streams[i] = (struct resume_stream){0};
		hasher_init(&r->streams[i].hasher);
	}
}

void resume_note(struct resume *r, enum stream stream, const void *data, size_t size)
{
	struct resume_stream *s = stream_of(r, stream);
	hasher_update(&s->hasher, data, size);
	s->given += size;
	s->seen += size;
}

/* The sum of what was given. A run that has not come that far left it as it was. */
static struct digest sum_of(const struct resume_stream *s)
{
	return s->seen == s->given ? hasher_sum128(&s->hasher) : s->sum;
}

void resume_restart(struct resume *r)
{
	for (int i = 0; i < 2; i++) {
		struct resume_stream *s = &r->streams[i];
		s->sum = sum_of(s);
		s->seen = 0;
		hasher_init(&s->hasher);
	}
}

static int conflict(dpc_error *err)
{
	return dpc__fail(err, DPC_E_CONFLICT, "the run died half-way, and the next one's output differs");
}

int resume_filter(struct resume *r, enum stream stream, const uint8_t **data, size_t *size, dpc_error *err)
{
	struct resume_stream *s = stream_of(r, stream);
	uint64_t left = s->given - s->seen;
	size_t n = *size < left ? *size : (size_t)left;
	if (!n)
		return DPC_OK;
	hasher_update(&s->hasher, *data, n);
	s->seen += n;
	*data += n;
	*size -= n;
	if (s->seen < s->given)
		return DPC_OK;
	struct digest now = hasher_sum128(&s->hasher);
	return memcmp(&now, &s->sum, sizeof now) == 0 ? DPC_OK : conflict(err);
}

bool resume_is_met(const struct resume *r)
{
	return r->streams[0].seen == r->streams[0].given && r->streams[1].seen == r->streams[1].given;
}

int resume_end(const struct resume *r, dpc_error *err)
{
	return resume_is_met(r) ? DPC_OK : conflict(err);
}

void resume_encode(char out[RESUME_TEXT], const struct resume *r)
{
	char hex[2][DIGEST_HEX];
	for (int i = 0; i < 2; i++) {
		struct digest sum = sum_of(&r->streams[i]);
		digest_hex(hex[i], &sum);
	}
	snprintf(out, RESUME_TEXT, "%llu:%s:%llu:%s", (unsigned long long)r->streams[0].given, hex[0],
	         (unsigned long long)r->streams[1].given, hex[1]);
}

/* A number in plain digits. */
static bool take_count(uint64_t *count, const char **at)
{
	const char *p = *at;
	*count = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');
		if (*count > (UINT64_MAX - digit) / 10)
			return false;
		*count = *count * 10 + digit;
	}
	bool some = p != *at;
	*at = p;
	return some;
}

static bool take_stream(struct resume_stream *s, const char **at)
{
	if (!take_count(&s->given, at) || *(*at)++ != ':' || !digest_from_hex(&s->sum, *at))
		return false;
	*at += DIGEST_HEX - 1;
	return true;
}

int resume_decode(struct resume *r, const char *text, dpc_error *err)
{
	resume_init(r);
	if (take_stream(&r->streams[0], &text) && *text++ == ':' && take_stream(&r->streams[1], &text) && !*text)
		return DPC_OK;
	resume_init(r);
	return dpc__fail(err, DPC_E_USAGE, "not a place in an output");
}
