#include "json.h"

#include "utf8.h"

#include <stdio.h>
#include <string.h>

static void put(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

static void put_control(struct buf *b, uint8_t c)
{
	char escape[8];
	snprintf(escape, sizeof escape, "\\u%04x", c);
	put(b, c == '\n' ? "\\n" : c == '\t' ? "\\t" : escape);
}

void json_string(struct buf *b, const void *data, size_t size)
{
	const uint8_t *p = data, *end = size ? p + size : p;
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
