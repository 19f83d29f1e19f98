#include "explain.h"

#include "clock.h"
#include "inputs.h"
#include "json.h"
#include "key.h"
#include "parts.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

enum { LINES = 20 }; /* of one list at most; JSON has them all */

/* --- text --- */

static void print_all(const struct buf *b)
{
	if (b->size && !b->failed)
		fwrite(b->data, 1, b->size, stdout);
}

/* The first lines, each behind a label in its column (NULL: none); and how many more
 * there are. */
static void print_some(const struct buf *b, const char *label, const char *what)
{
	size_t lines = 0;
	const uint8_t *at = b->data, *end = b->size ? at + b->size : at;
	for (const uint8_t *next; at < end; at = next) {
		next = (const uint8_t *)memchr(at, '\n', (size_t)(end - at)) + 1;
		if (lines++ >= LINES)
			continue;
		if (label)
			printf("%-9s ", label);
		fwrite(at, 1, (size_t)(next - at), stdout);
	}
	if (lines > LINES)
		printf("and %zu more %s\n", lines - LINES, what);
}

static void print_entry(const char *label, const struct answer *found)
{
	char hex[DIGEST_HEX], command[4096], text[TEXT_SHORT];
	const struct slice *name = &found->meta.label;
	digest_hex(hex, &found->capsule.key);
	printf("%-9s %s\n", label, hex);
	printf("command   %s\n", text_line(command, sizeof command, name->data, name->size));
	printf("exit      %d\n", capsule_exit_status(found->capsule.status));
	printf("age       %s\n", text_duration(text, moment_age(&found->capsule.created)));
}

static void print_parts(const struct answer *found)
{
	struct buf b = {0};
	inputs_notes_text(&b, &found->capsule);
	print_all(&b);
	b.size = 0;
	parts_put(&b, false, found->meta.question);
	print_some(&b, "part", "parts");
	b.size = 0;
	inputs_text(&b, "input", found->meta.observations);
	print_some(&b, NULL, "inputs");
	b.size = 0;
	inputs_text(&b, "traced", found->meta.traced);
	print_some(&b, NULL, "traced inputs");
	buf_release(&b);
}

static void print_differences(const struct explanation *e)
{
	struct buf b = {0};
	char words[DIFFERENCE_TEXT];
	const struct differences *d = &e->nearest.differences;
	for (size_t i = 0; i < d->count; i++) {
		difference_in_words(words, &d->v[i]);
		buf_put(&b, words, strlen(words));
		buf_u8(&b, '\n');
	}
	print_some(&b, "differs", d->count == LINES + 1 ? "difference" : "differences");
	if (*e->besides)
		printf("besides   %s\n", e->besides);
	buf_release(&b);
}

static void print_run(const struct explanation *e)
{
	char age[TEXT_SHORT];
	if (e->running)
		printf("running   process %ld, for %s\n", (long)e->run.pid, text_duration(age, e->run.age));
}

static void print_text(const struct explanation *e)
{
	char hex[DIGEST_HEX], line[CAUSE_TEXT];
	text_line(line, sizeof line, e->cause, strlen(e->cause));
	if (strcmp(e->verdict, "follow") == 0)
		printf("follow: being run by process %ld\ncause     %s\n", (long)e->run.pid, line);
	else
		printf("%s: %s\n", e->verdict, line);
	if (!e->answer && e->ask && e->ask->has_key) {
		digest_hex(hex, &e->ask->key);
		printf("key       %s\n", hex);
	}
	print_run(e);
	if (e->trouble && strcmp(e->trouble, e->cause) != 0)
		printf("trouble   %s\n", text_line(line, sizeof line, e->trouble, strlen(e->trouble)));
	if (e->answer) {
		print_entry("key", e->answer);
		print_parts(e->answer);
	}
	if (e->nearest.found) {
		print_entry("nearest", &e->nearest.answer);
		print_differences(e);
	}
}

/* --- JSON --- */

static void put_entry(struct buf *b, const char *name, const struct answer *found)
{
	char hex[DIGEST_HEX];
	digest_hex(hex, &found->capsule.key);
	json_name(b, name);
	buf_u8(b, '{');
	json_text(b, "key", hex);
	json_bytes(b, "command", found->meta.label);
	json_seconds(b, "created", found->capsule.created.wall);
	json_seconds(b, "age", moment_age(&found->capsule.created));
	json_int(b, "exit", capsule_exit_status(found->capsule.status));
}

static void put_answer(struct buf *b, const struct explanation *e)
{
	const struct answer *found = e->answer;
	put_entry(b, "answer", found);
	json_seconds(b, "left", lookup_left(&found->capsule, e->ask->policy, found->age));
	json_name(b, "parts");
	buf_u8(b, '[');
	parts_put(b, true, found->meta.question);
	buf_u8(b, ']');
	inputs_json(b, &found->capsule, &found->meta);
	buf_u8(b, '}');
}

static void put_nearest(struct buf *b, const struct explanation *e)
{
	const struct differences *d = &e->nearest.differences;
	put_entry(b, "nearest", &e->nearest.answer);
	json_text(b, "besides", *e->besides ? e->besides : NULL);
	json_name(b, "differences");
	buf_u8(b, '[');
	for (size_t i = 0; i < d->count; i++) {
		if (i)
			buf_u8(b, ',');
		difference_json(b, &d->v[i]);
	}
	buf_put(b, "]}", 2);
}

/* One answered by stat alone has not worked it out. */
static bool key_asked_under(struct digest *key, const struct explanation *e)
{
	if (e->answer)
		*key = ask_key_of(&e->answer->capsule, &e->answer->meta);
	else if (e->ask && e->ask->has_key)
		*key = e->ask->key;
	return e->answer || (e->ask && e->ask->has_key);
}

static void print_json(const struct explanation *e)
{
	struct buf b = {0};
	struct digest key;
	char hex[DIGEST_HEX] = "";
	if (key_asked_under(&key, e))
		digest_hex(hex, &key);
	buf_u8(&b, '{');
	json_text(&b, "verdict", e->verdict);
	json_text(&b, "cause", e->cause);
	json_text(&b, "key", *hex ? hex : NULL);
	json_text(&b, "trouble", e->trouble);
	json_text(&b, "last", *e->last ? e->last : NULL);
	if (e->answer)
		put_answer(&b, e);
	if (e->nearest.found)
		put_nearest(&b, e);
	if (e->running) {
		json_name(&b, "running");
		atwork_json(&b, &e->run);
	}
	buf_put(&b, "}\n", 2);
	print_all(&b);
	buf_release(&b);
}

void explanation_print(const struct explanation *e, bool json)
{
	if (json)
		print_json(e);
	else
		print_text(e);
}
