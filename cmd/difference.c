#include "difference.h"

#include "json.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

/* --- values --- */

enum { VALUE_TEXT = 128 };

static uint32_t number_in(struct slice value)
{
	struct cursor c = {value.data, value.data + value.size, false};
	return cursor_u32(&c);
}

/* A number or a word that stands in a question's field; NULL: it is text itself. */
static const char *decoded(char text[VALUE_TEXT], enum question_tag tag, struct slice value)
{
	bool set = value.size && value.data[0];
	switch (tag) {
	case Q_SCHEMA:
	case Q_UID:
		snprintf(text, VALUE_TEXT, "%u", number_in(value));
		return text;
	case Q_UMASK:
		snprintf(text, VALUE_TEXT, "%03o", number_in(value));
		return text;
	case Q_MERGED:
		return set ? "one open file" : "apart";
	case Q_TRACE:
		return !set                                   ? "off"
		       : (value.data[0] & 15) == TRACE_STRICT ? "strict"
		       : value.data[0] & 16                   ? "with outputs"
		                                              : "not strict";
	case Q_GROUPS:
		for (size_t at = 0, n = 0; at + 4 <= value.size && n < VALUE_TEXT - 12; at += 4)
			n += (size_t)snprintf(text + n, VALUE_TEXT - n, "%s%u", at ? "," : "",
			                      number_in((struct slice){value.data + at, 4}));
		return text;
	default:
		return NULL;
	}
}

/* How far in both are the same, when that is too far to show. */
static size_t shared_start(struct slice a, struct slice b)
{
	enum { CONTEXT = 16, ENOUGH = 48 };
	size_t n = 0;
	while (n < a.size && n < b.size && a.data[n] == b.data[n])
		n++;
	if (n < ENOUGH)
		return 0;
	/* Not from the middle of a character. */
	for (n -= CONTEXT; n && (a.data[n] & 0xc0) == 0x80; n--)
		;
	return n;
}

static const char *quoted(char out[VALUE_TEXT], struct slice value, size_t from)
{
	enum { MARKS = 10 };
	char line[VALUE_TEXT - MARKS];
	size_t left = value.size - from;
	text_line(line, sizeof line, value.data + from, left);
	snprintf(out, VALUE_TEXT, "'%s%s%s'", from ? "…" : "", line, left >= sizeof line ? "…" : "");
	return out;
}

/* --- in words --- */

static void name_part(char *out, size_t size, const struct difference *d)
{
	char name[4096];
	const char *part = question_tag_name(d->tag);
	if (d->tag == Q_ARGUMENT && d->position)
		snprintf(out, size, "%s %zu", part, d->position);
	else if (d->tag == Q_ARGUMENT)
		snprintf(out, size, "command name");
	else if (d->name.data)
		snprintf(out, size, "%s %s", part, text_line(name, sizeof name, d->name.data, d->name.size));
	else
		snprintf(out, size, "%s", part);
}

static void tell_values(char *out, size_t size, const struct difference *d)
{
	char was_text[VALUE_TEXT], now_text[VALUE_TEXT];
	const char *was = decoded(was_text, d->tag, d->was), *now = decoded(now_text, d->tag, d->now);
	bool several = d->tag == Q_MERGED;
	size_t from = now ? 0 : shared_start(d->was, d->now);
	if (!now) {
		was = quoted(was_text, d->was, from);
		now = quoted(now_text, d->now, from);
	}
	snprintf(out, size, " %s %s, %s %s", several ? "are" : "is", now, several ? "were" : "was", was);
}

static void tell_one_sided(char *out, size_t size, const struct difference *d)
{
	char text[VALUE_TEXT];
	bool added = d->change == CHANGE_ADDED;
	struct slice value = added ? d->now : d->was;
	bool shown = value.data && !decoded(text, d->tag, value);
	snprintf(out, size, "%s%s is %s", shown ? " " : "", shown ? quoted(text, value, 0) : "",
	         added ? "new in the key" : "gone from the key");
}

static const char *state_of_variable(enum change change)
{
	return change == CHANGE_APPEARED   ? " is set now"
	       : change == CHANGE_VANISHED ? " is no longer set"
	                                   : " changed";
}

static void tell_question(char out[DIFFERENCE_TEXT], const struct difference *d)
{
	name_part(out, DIFFERENCE_TEXT, d);
	size_t n = strlen(out);
	if (d->change == CHANGE_ADDED || d->change == CHANGE_DROPPED)
		tell_one_sided(out + n, DIFFERENCE_TEXT - n, d);
	else if (d->was.data && d->now.data)
		tell_values(out + n, DIFFERENCE_TEXT - n, d);
	else
		snprintf(out + n, DIFFERENCE_TEXT - n, "%s", state_of_variable(d->change));
}

static const char *change_of_input(const struct difference *d)
{
	static const char *const states[] = {[CHANGE_APPEARED] = " appeared",
	                                     [CHANGE_VANISHED] = " vanished",
	                                     [CHANGE_HIDDEN] = " cannot be looked at"};
	if (d->change != CHANGE_OTHER)
		return states[d->change];
	switch (d->input) {
	case OBSERVED_DIR:
		return ": other names in it";
	case OBSERVED_GLOB:
		return ": other names in it match";
	case OBSERVED_LINK:
		return " leads elsewhere";
	case OBSERVED_STAT:
	case OBSERVED_LSTAT:
		return ": other metadata";
	case OBSERVED_PLACE:
	case OBSERVED_LPLACE:
		return ": other type, mode or owner";
	default:
		return " changed";
	}
}

static void tell_input(char out[DIFFERENCE_TEXT], const struct difference *d)
{
	char path[4096];
	text_line(path, sizeof path, d->name.data, d->name.size);
	if (d->input == OBSERVED_NAMES)
		snprintf(out, DIFFERENCE_TEXT, "other variables are set");
	else if (d->input == OBSERVED_VARIABLE)
		snprintf(out, DIFFERENCE_TEXT, "variable %s%s", path, state_of_variable(d->change));
	else
		snprintf(out, DIFFERENCE_TEXT, "%s%s%s", d->input == OBSERVED_EXE ? "executable " : "", path,
		         change_of_input(d));
}

const char *difference_in_words(char out[DIFFERENCE_TEXT], const struct difference *d)
{
	if (d->of == OF_QUESTION)
		tell_question(out, d);
	else
		tell_input(out, d);
	return out;
}

/* --- as JSON --- */

static const char *change_name(enum change change)
{
	static const char *const names[] = {
	    [CHANGE_OTHER] = "changed", [CHANGE_APPEARED] = "appeared", [CHANGE_VANISHED] = "vanished",
	    [CHANGE_ADDED] = "added",   [CHANGE_DROPPED] = "dropped",   [CHANGE_HIDDEN] = "hidden",
	};
	return names[change];
}

static void put_value(struct buf *b, const char *name, const struct difference *d, struct slice value)
{
	char text[VALUE_TEXT];
	const char *word = value.data ? decoded(text, d->tag, value) : NULL;
	if (word)
		json_text(b, name, word);
	else if (value.data)
		json_bytes(b, name, value);
}

void difference_json(struct buf *b, const struct difference *d)
{
	char words[DIFFERENCE_TEXT];
	bool question = d->of == OF_QUESTION;
	buf_u8(b, '{');
	json_text(b, "part", question ? question_tag_name(d->tag) : observation_kind_name(d->input));
	json_text(b, "change", change_name(d->change));
	if (d->name.data)
		json_bytes(b, "name", d->name);
	if (question && d->tag == Q_ARGUMENT)
		json_int(b, "position", (int64_t)d->position);
	put_value(b, "was", d, d->was);
	put_value(b, "now", d, d->now);
	json_bool(b, "traced", d->of == OF_TRACED);
	json_text(b, "text", difference_in_words(words, d));
	buf_u8(b, '}');
}
