#include "key.h"

#include "environment.h"

#include <endian.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void put(struct buf *b, enum question_tag tag, const void *data, size_t size)
{
	buf_u8(b, (uint8_t)tag);
	buf_field(b, data, size);
}

static void put_string(struct buf *b, enum question_tag tag, const char *s)
{
	put(b, tag, s, strlen(s));
}

static void put_u32(struct buf *b, enum question_tag tag, uint32_t v)
{
	buf_u8(b, (uint8_t)tag);
	buf_u32(b, sizeof v);
	buf_u32(b, v);
}

static void put_variable(struct buf *b, enum question_tag tag, const struct question *q,
                         const char *name, const char *value)
{
	struct buf field = {0};
	struct digest digest;
	buf_put(&field, name, strlen(name) + 1);
	if (value) {
		if (environment_digest(&digest, name, strlen(name), value, q->secret) != DPC_OK)
			field.failed = true;
		buf_put(&field, digest.bytes, sizeof digest.bytes);
	}
	put(b, tag, field.data, field.size);
	b->failed |= field.failed;
	buf_release(&field);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_ascending(const char **v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (strcmp(v[i - 1], v[i]) >= 0)
			return false;
	return true;
}

static size_t sort_unique(const char **v, size_t n)
{
	size_t kept = 0;
	/* As a rule they are, by a glob or git ls-files, and sorting a thousand
	 * names anyway would show in a hit. */
	if (is_ascending(v, n))
		return n;
	qsort(v, n, sizeof *v, by_bytes);
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(v[i], v[kept - 1]) != 0)
			v[kept++] = v[i];
	return kept;
}

static bool is_locale_variable(const char *entry)
{
	/* LANGUAGE picks the messages' language before LC_MESSAGES does. */
	static const char *const exact[] = {"LANG=", "LANGUAGE=", "TZ="};
	if (strncmp(entry, "LC_", 3) == 0)
		return strchr(entry, '=') != NULL;
	for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
		if (strncmp(entry, exact[i], strlen(exact[i])) == 0)
			return true;
	return false;
}

static void put_locale_variable(struct buf *b, const struct question *q, const char *entry)
{
	size_t size = (size_t)(strchr(entry, '=') - entry);
	struct buf name = {0};
	buf_put(&name, entry, size);
	buf_u8(&name, '\0');
	if (name.failed)
		b->failed = true;
	else
		put_variable(b, Q_LOCALE, q, (const char *)name.data, entry + size + 1);
	buf_release(&name);
}

static void put_locale(struct buf *b, const struct question *q)
{
	size_t n = 0;
	for (char **e = environ; *e; e++)
		n += is_locale_variable(*e);
	const char **found = calloc(n + 1, sizeof *found);
	if (!found) {
		b->failed = true;
		return;
	}
	n = 0;
	for (char **e = environ; *e; e++)
		if (is_locale_variable(*e))
			found[n++] = *e;
	n = sort_unique(found, n);
	for (size_t i = 0; i < n; i++)
		put_locale_variable(b, q, found[i]);
	free(found);
}

static int put_cwd(struct buf *b, dpc_error *err)
{
	struct stat here, there;
	/* Straight to where put would copy it, a tag and a size further on: a
	 * buffer on the stack would be one more page to touch. */
	enum { AHEAD = 5 };
	uint8_t *room = buf_reserve(b, AHEAD + PATH_MAX);
	if (!room)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	char *cwd = (char *)room + AHEAD;
	if (!getcwd(cwd, PATH_MAX))
		return dpc__fail_errno(err, "cannot tell the working directory (--no-cwd leaves it out)");
	size_t size = strlen(cwd);
	buf_u8(b, Q_CWD);
	buf_u32(b, (uint32_t)size);
	b->size += size;
	const char *pwd = getenv("PWD");
	if (pwd && *pwd == '/' && strcmp(pwd, cwd) != 0 && stat(pwd, &there) == 0 &&
	    stat(".", &here) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino)
		put_string(b, Q_PWD, pwd);
	return DPC_OK;
}

static int put_command(struct buf *b, const struct question *q, dpc_error *err)
{
	int rc;
	for (char *const *a = q->argv; *a; a++)
		put_string(b, Q_ARGUMENT, *a);
	if (q->exe)
		put_string(b, Q_EXE, q->exe);
	if (!q->no_cwd && (rc = put_cwd(b, err)) != DPC_OK)
		return rc;
	if (!q->no_path)
		put_variable(b, Q_PATH, q, "PATH", getenv("PATH"));
	if (!q->no_uid)
		put_u32(b, Q_UID, getuid());
	mode_t mask = umask(0);
	umask(mask);
	put_u32(b, Q_UMASK, mask);
	if (!q->no_locale)
		put_locale(b, q);
	buf_u8(b, Q_MERGED);
	buf_field(b, q->merged ? "\1" : "\0", 1);
	return DPC_OK;
}

static int by_number(const void *a, const void *b)
{
	const gid_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void put_groups(struct buf *b)
{
	struct buf words = {0};
	int n = getgroups(0, NULL);
	gid_t *groups = calloc(n > 0 ? (size_t)n : 1, sizeof *groups);
	n = groups ? getgroups(n, groups) : -1;
	buf_u32(&words, getegid());
	if (n > 0)
		qsort(groups, (size_t)n, sizeof *groups, by_number);
	for (int i = 0; i < n; i++)
		buf_u32(&words, groups[i]);
	put(b, Q_GROUPS, words.data, words.size);
	b->failed |= words.failed || n < 0;
	buf_release(&words);
	free(groups);
}

static void put_tracing(struct buf *b, struct question *q)
{
	uint8_t kind = (uint8_t)(q->trace | (q->auto_outputs ? 16 : 0));
	if (q->trace == TRACE_NOT)
		return;
	put(b, Q_TRACE, &kind, 1);
	if (!q->no_uid)
		put_groups(b);
	q->trace_ignore_count = sort_unique(q->trace_ignore, q->trace_ignore_count);
	for (size_t i = 0; i < q->trace_ignore_count; i++)
		put_string(b, Q_TRACE_IGNORE, q->trace_ignore[i]);
}

/* About what it takes, so that many inputs do not make the buffer grow by
 * halves. */
static size_t expected_size(const struct question *q)
{
	/* A name comes without the surroundings that a command has. */
	size_t size = q->name.data ? q->name.size + 64 : PATH_MAX + 1024;
	for (size_t i = 0; i < q->input_count; i++)
		size += strlen(q->inputs[i]) + 5;
	return size;
}

int question_encode(struct buf *out, struct question *q, dpc_error *err)
{
	int rc = DPC_OK;
	buf_reserve(out, expected_size(q));
	put_u32(out, Q_SCHEMA, KEY_SCHEMA);
	if (q->name.data)
		put(out, Q_NAME, q->name.data, q->name.size);
	if (q->region)
		put_string(out, Q_REGION, q->region);
	if (!q->name.data)
		rc = put_command(out, q, err);
	if (rc != DPC_OK)
		return rc;
	q->env_count = sort_unique(q->env, q->env_count);
	for (size_t i = 0; i < q->env_count; i++)
		put_variable(out, Q_ENV, q, q->env[i], getenv(q->env[i]));
	q->input_count = sort_unique(q->inputs, q->input_count);
	for (size_t i = 0; i < q->input_count; i++)
		put_string(out, Q_INPUT, q->inputs[i]);
	q->output_count = sort_unique(q->outputs, q->output_count);
	for (size_t i = 0; i < q->output_count; i++)
		put_string(out, Q_OUTPUT, q->outputs[i]);
	if (q->stdin_digest)
		put(out, Q_STDIN, q->stdin_digest->bytes, sizeof q->stdin_digest->bytes);
	if (q->salt)
		put_string(out, Q_SALT, q->salt);
	put_tracing(out, q);
	return out->failed ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : DPC_OK;
}

struct digest question_hash(struct slice question)
{
	return hash128(question.data, question.size);
}

enum { SHORT = 512 };

/* The same for a short one, in one piece: most of what a named value costs would else be the
 * beginning and ending of a hash. */
static struct digest key_of_short(struct slice question, struct slice observations)
{
	uint8_t bytes[SHORT];
	uint64_t size = htole64(question.size);
	memcpy(bytes, &size, sizeof size);
	memcpy(bytes + sizeof size, question.data, question.size);
	memcpy(bytes + sizeof size + question.size, observations.data, observations.size);
	return hash128(bytes, sizeof size + question.size + observations.size);
}

struct digest key_of_bytes(struct slice question, struct slice observations, struct slice traced)
{
	if (!traced.data && question.size < SHORT / 2 && observations.size < SHORT / 4)
		return key_of_short(question, observations);
	struct hasher s;
	struct buf size = {0};
	hasher_init(&s);
	buf_u64(&size, question.size);
	hasher_update(&s, size.data, size.size);
	hasher_update(&s, question.data, question.size);
	hasher_update(&s, observations.data, observations.size);
	if (traced.data)
		hasher_update(&s, traced.data, traced.size);
	buf_release(&size);
	return hasher_sum128(&s);
}

struct digest key_of(struct slice question, const struct observations *o)
{
	static const uint8_t none[4];
	struct buf b = {0};
	if (!o->count)
		return key_of_bytes(question, (struct slice){none, sizeof none}, (struct slice){NULL, 0});
	observations_put(&b, o);
	struct digest key = key_of_bytes(question, (struct slice){b.data, b.size}, (struct slice){NULL, 0});
	buf_release(&b);
	return key;
}

bool question_next(struct cursor *c, enum question_tag *tag, struct slice *value)
{
	if (c->at == c->end)
		return false;
	*tag = (enum question_tag)cursor_u8(c);
	*value = cursor_field(c);
	return !c->bad;
}

const char *question_tag_name(enum question_tag tag)
{
	switch (tag) {
	case Q_SCHEMA:
		return "key schema";
	case Q_NAME:
		return "name";
	case Q_REGION:
		return "region";
	case Q_ARGUMENT:
		return "argument";
	case Q_EXE:
		return "executable";
	case Q_CWD:
		return "working directory";
	case Q_PWD:
		return "logical working directory";
	case Q_PATH:
	case Q_LOCALE:
	case Q_ENV:
		return "variable";
	case Q_UID:
		return "uid";
	case Q_UMASK:
		return "umask";
	case Q_MERGED:
		return "stdout and stderr";
	case Q_INPUT:
		return "input";
	case Q_OUTPUT:
		return "output";
	case Q_STDIN:
		return "standard input";
	case Q_SALT:
		return "salt";
	case Q_GROUPS:
		return "groups";
	case Q_TRACE:
		return "tracing";
	case Q_TRACE_IGNORE:
		return "not an input";
	}
	return "unknown";
}

static bool needs_quotes(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                            "_-+=:,./@%^";
	return !*s || s[strspn(s, plain)];
}

static void put_quoted(struct buf *b, const char *s)
{
	if (!needs_quotes(s)) {
		buf_put(b, s, strlen(s));
		return;
	}
	buf_u8(b, '\'');
	for (; *s && b->size < LABEL_MAX; s++)
		if (*s == '\'')
			buf_put(b, "'\\''", 4);
		else
			buf_u8(b, (uint8_t)*s);
	buf_u8(b, '\'');
}

void label_of(struct buf *out, const struct question *q)
{
	for (char *const *a = q->argv; a && *a && out->size < LABEL_MAX; a++) {
		if (a != q->argv)
			buf_u8(out, ' ');
		put_quoted(out, *a);
	}
	if (q->name.data && !out->size)
		buf_put(out, q->name.data, q->name.size);
	if (out->size > LABEL_MAX)
		out->size = LABEL_MAX;
}
