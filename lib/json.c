#include "json.h"

#include <stdio.h>
#include <string.h>

static void put(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

/* Length of the well-formed UTF-8 sequence at p (RFC 3629), or 0. */
static size_t utf8_length(const uint8_t *p, size_t left)
{
	static const struct {
		uint8_t low, high, size, second_low, second_high;
	} forms[] = {
	    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
	    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
	    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
	};
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (*p < forms[i].low || *p > forms[i].high || forms[i].size > left)
			continue;
		if (forms[i].size > 1 && (p[1] < forms[i].second_low || p[1] > forms[i].second_high))
			return 0;
		for (size_t k = 2; k < forms[i].size; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].size;
	}
	return 0;
}

static void put_control(struct buf *b, uint8_t c)
{
	char escape[8];
	snprintf(escape, sizeof escape, "\\u%04x", c);
	put(b, c == '\n' ? "\\n" : c == '\t' ? "\\t" : escape);
}

void json_string(struct buf *b, const void *data, size_t size)
{
	const uint8_t *p = data, *end = p + size;
	buf_u8(b, '"');
	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));
		if (!n)
			put(b, "\\ufffd");
		else if (*p < 0x20 || *p == 0x7f)
			put_control(b, *p);
		else if (*p == '"' || *p == '\\')
			put(b, *p == '"' ? "\\\"" : "\\\\");
		else
			buf_put(b, p, n);
		p += n ? n : 1;
	}
	buf_u8(b, '"');
}

void json_name(struct buf *b, const char *name)
{
	if (b->size && b->data[b->size - 1] != '{' && b->data[b->size - 1] != '[')
		buf_u8(b, ',');
	json_string(b, name, strlen(name));
	buf_u8(b, ':');
}

void json_text(struct buf *b, const char *name, const char *value)
{
	json_name(b, name);
	if (value)
		json_string(b, value, strlen(value));
	else
		put(b, "null");
}

void json_bytes(struct buf *b, const char *name, struct slice value)
{
	json_name(b, name);
	json_string(b, value.data, value.size);
}

void json_int(struct buf *b, const char *name, int64_t value)
{
	char text[32];
	snprintf(text, sizeof text, "%lld", (long long)value);
	json_name(b, name);
	put(b, text);
}

void json_bool(struct buf *b, const char *name, bool value)
{
	json_name(b, name);
	put(b, value ? "true" : "false");
}

void json_seconds(struct buf *b, const char *name, int64_t ns)
{
	char text[48];
	json_name(b, name);
	if (ns == INT64_MAX) {
		put(b, "null");
		return;
	}
	snprintf(text, sizeof text, "%s%lld.%03lld", ns < 0 ? "-" : "", (long long)(ns < 0 ? -ns : ns) / 1000000000,
	         (long long)(ns < 0 ? -ns : ns) / 1000000 % 1000);
	put(b, text);
}
