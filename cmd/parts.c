#include "parts.h"

#include "json.h"
#include "key.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* A field's name for people: for variables and inputs the name that is in it,
 * never a value. */
static struct slice shown_value(enum question_tag tag, struct slice value)
{
	const uint8_t *nul;
	switch (tag) {
	case Q_PATH:
	case Q_LOCALE:
	case Q_ENV:
		nul = memchr(value.data, 0, value.size);
		return (struct slice){value.data, nul ? (size_t)(nul - value.data) : 0};
	case Q_ARGUMENT:
	case Q_EXE:
	case Q_CWD:
	case Q_PWD:
	case Q_INPUT:
	case Q_OUTPUT:
	case Q_TRACE_IGNORE:
	case Q_NAME:
	case Q_REGION:
		return value;
	default:
		return (struct slice){NULL, 0};
	}
}

void part_put(struct buf *b, bool json, const char *name, struct slice value)
{
	if (json) {
		if (b->data[b->size - 1] != '[')
			buf_u8(b, ',');
		buf_u8(b, '{');
		json_text(b, "part", name);
		if (value.data)
			json_bytes(b, "name", value);
		buf_u8(b, '}');
		return;
	}
	buf_put(b, name, strlen(name));
	if (value.data) {
		char *line = malloc(value.size + 1);
		buf_u8(b, ' ');
		if (line) {
			text_line(line, value.size + 1, value.data, value.size);
			buf_put(b, line, strlen(line));
		}
		free(line);
	}
	buf_u8(b, '\n');
}

void parts_put(struct buf *b, bool json, struct slice question)
{
	struct cursor c = {question.data, question.data + question.size, false};
	enum question_tag tag;
	struct slice value;
	while (question_next(&c, &tag, &value))
		part_put(b, json, question_tag_name(tag), shown_value(tag, value));
}
