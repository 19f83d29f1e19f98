#include "inputs.h"

#include "json.h"
#include "shim/wire.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

static const struct {
	uint32_t bit;
	const char *words;
} notes[] = {
    {WIRE_SAW_TIME, "asked what time it is"},
    {WIRE_SAW_RANDOM, "asked for random numbers"},
    {WIRE_SAW_PID, "asked for its own process id"},
};

enum { NOTES = sizeof notes / sizeof *notes };

size_t inputs_count(struct slice list)
{
	struct cursor c = {list.data, list.data + list.size, false};
	return list.size ? cursor_u32(&c) : 0;
}

typedef void input_fn(struct buf *b, const char *label, const struct stored_observation *o);

static void each_input(struct buf *b, const char *label, struct slice list, input_fn *put)
{
	struct cursor c = {list.data, list.data + list.size, false};
	uint32_t n = list.size ? cursor_u32(&c) : 0;
	for (uint32_t i = 0; i < n; i++) {
		struct stored_observation o;
		stored_observation_get(&c, &o);
		if (c.bad)
			break;
		put(b, label, &o);
	}
}

/* Paths may be longer than any of these is wide, but not than a line is. */
static void put_line(struct buf *b, const char *label, const struct stored_observation *o)
{
	char path[4096], line[4200];
	text_line(path, sizeof path, o->path.data, o->path.size);
	int n = snprintf(line, sizeof line, "%-9s %s%s(%s)\n", label, path, *path ? " " : "",
	                 observation_kind_name(o->kind));
	buf_put(b, line, (size_t)n);
}

void inputs_text(struct buf *b, const char *label, struct slice list)
{
	each_input(b, label, list, put_line);
}

static void put_object(struct buf *b, const char *traced, const struct stored_observation *o)
{
	char hex[DIGEST_HEX];
	digest_hex(hex, &o->digest);
	if (b->size && b->data[b->size - 1] != '[')
		buf_u8(b, ',');
	buf_u8(b, '{');
	json_bytes(b, "path", o->path);
	json_text(b, "kind", observation_kind_name(o->kind));
	json_text(b, "digest", hex);
	json_bool(b, "traced", traced != NULL);
	buf_u8(b, '}');
}

static void notes_json(struct buf *b, const struct capsule *c)
{
	json_name(b, "notes");
	buf_u8(b, '[');
	for (int i = 0, any = 0; i < NOTES; i++) {
		if (!(c->flags >> CAPSULE_NOTES & notes[i].bit))
			continue;
		if (any++)
			buf_u8(b, ',');
		json_string(b, notes[i].words, strlen(notes[i].words));
	}
	buf_u8(b, ']');
}

void inputs_json(struct buf *b, const struct capsule *c, const struct capsule_meta *m)
{
	json_name(b, "inputs");
	buf_u8(b, '[');
	each_input(b, NULL, m->observations, put_object);
	each_input(b, "traced", m->traced, put_object);
	buf_u8(b, ']');
	notes_json(b, c);
}

void inputs_notes_text(struct buf *b, const struct capsule *c)
{
	char line[64];
	for (int i = 0; i < NOTES; i++)
		if (c->flags >> CAPSULE_NOTES & notes[i].bit)
			buf_put(b, line, (size_t)snprintf(line, sizeof line, "noted     it %s\n", notes[i].words));
}
