/* The key: question and observations → canonical bytes → XXH3-128.
 *
 * The question is all that is known without reading a file, as a sequence of
 * tagged fields (u8 tag, field) in a fixed order. Two invocations have the
 * same question exactly when these bytes are equal. Values of environment
 * variables are never in it, only keyed digests of them. */
#ifndef DPC_KEY_H
#define DPC_KEY_H

#include "err.h"
#include "hash.h"
#include "input.h"

enum { KEY_SCHEMA = 2 };

enum question_tag {
	Q_SCHEMA = 'V',   /* u32 */
	Q_NAME = 'K',     /* --key, or a plain value's name: replaces A to O */
	Q_REGION = 'R',
	Q_ARGUMENT = 'A', /* one field per argument */
	Q_EXE = 'X',      /* path it resolves to; its content is an observation */
	Q_CWD = 'W',      /* physical */
	Q_PWD = 'w',      /* logical, where it names the same place */
	Q_PATH = 'P',     /* keyed digest; empty when unset */
	Q_UID = 'U',      /* u32 */
	Q_UMASK = 'M',    /* u32 */
	Q_LOCALE = 'L',   /* name, NUL, keyed digest */
	Q_MERGED = 'O',   /* u8: stdout and stderr are one open file */
	Q_ENV = 'E',      /* name, NUL, keyed digest (none: unset) */
	Q_INPUT = 'I',    /* a declared input as it was named */
	Q_OUTPUT = 'F',   /* a declared output as it was named */
	Q_STDIN = 'S',    /* digest of standard input */
	Q_SALT = 'T',
	Q_GROUPS = 'G',   /* traced, for they decide what may be looked at: u32 each, the effective one first */
	Q_TRACE = 'D',    /* u8: enum tracing; 16 more with auto_outputs */
	Q_TRACE_IGNORE = 'N' /* a pattern of paths that are no inputs */
};

enum tracing {
	TRACE_NOT,
	TRACE_PRELOAD, /* by the shim, and where it cannot go by the kernel */
	TRACE_STRICT   /* by both */
};

/* What a caller asks; everything borrowed. */
struct question {
	struct slice name;      /* data NULL: none */
	const char *region;     /* NULL: none */
	char *const *argv;      /* ends in NULL; unused with a name */
	const char *exe;        /* resolved path; NULL leaves it out */
	const char **env, **inputs, **outputs;
	size_t env_count, input_count, output_count;
	const char *salt;       /* NULL: none */
	const struct digest *stdin_digest; /* NULL: none */
	const uint8_t *secret;  /* 16 bytes, state.h */
	enum tracing trace;
	bool auto_outputs;      /* all that the traced run makes is an output */
	const char **trace_ignore; /* globs; paths that are no inputs */
	size_t trace_ignore_count;
	bool no_cwd, no_path, no_uid, no_locale;
	bool merged;
};

/* Are files kept with its results? */
static inline bool question_has_outputs(const struct question *q)
{
	return q->output_count || q->auto_outputs;
}

/* Sorts q->env, q->inputs, q->outputs and q->trace_ignore in place, so that their order
 * does not matter. */
int question_encode(struct buf *out, struct question *q, dpc_error *err);

struct digest question_hash(struct slice question);
struct digest key_of(struct slice question, const struct observations *o);

/* The same of observations as observations_put wrote them. Of a traced run, `traced`
 * are further ones, and the key is that of the result; data NULL: none. */
struct digest key_of_bytes(struct slice question, struct slice observations, struct slice traced);

/* Walk the fields of an encoded question. false at the end or when damaged. */
bool question_next(struct cursor *c, enum question_tag *tag, struct slice *value);

/* What a tag stands for, in words a user knows. */
const char *question_tag_name(enum question_tag tag);

/* The command as a user would type it, quoted for a shell; at most
 * LABEL_MAX bytes. */
enum { LABEL_MAX = 4096 };
void label_of(struct buf *out, const struct question *q);

#endif
