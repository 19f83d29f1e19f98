/* One caller's asking, as it walks: question → shelf → inputs → key. Shared by
 * the front and the core, so that both come to the same key. */
#ifndef DPC_ASK_H
#define DPC_ASK_H

#include "answer.h"
#include "key.h"
#include "lookup.h"

struct grant;

struct ask {
	const struct home *home;
	const struct policy *policy;
	struct question *question;
	const char *exe;         /* resolved path to observe; NULL: none */
	struct digests digests;
	struct buf bytes;        /* the question, encoded */
	struct digest hash;      /* of it */
	struct observations observed;
	bool has_key;            /* observed and key are set */
	struct digest key;       /* of the question and its inputs: where results are looked for */
	struct digest run;       /* who has the same is served by the same run */
	struct observations traced; /* what a traced run read, as of now: by vault_fetch, or after the run */
	bool found;              /* an entry was there, and … */
	enum verdict verdict;    /* … what was made of it */
	bool look_only;          /* change nothing in the cache: see ask_look_only */
	const struct grant *grant; /* under which its result is stored (store.h); NULL: none */
};

/* Encode the question. `exe` NULL leaves the executable out. Release with
 * ask_release in any case. */
int ask_init(struct ask *a, const struct home *h, const struct policy *p, struct question *q,
             const char *exe, dpc_error *err);
void ask_release(struct ask *a);

/* From now on only look: whatever asks on its behalf comes to the same answer, but
 * lays nothing down, makes no file and takes no key's lock. */
void ask_look_only(struct ask *a);

/* Look at the inputs and compute the key; once, unless ask_forget came since. */
int ask_observe(struct ask *a, dpc_error *err);
void ask_forget(struct ask *a);

/* What is this entry to this asking? Compares the whole key material, then
 * judges: true when it is one to serve or an old one to fall back on, as
 * a->verdict says; the age is in *age. */
bool ask_wants(struct ask *a, const struct capsule *c, const struct capsule_meta *m, int64_t *age);

/* Key material only: the same question with inputs observed the same; but for those
 * that a traced run found by itself. */
bool ask_matches(const struct ask *a, const struct capsule_meta *m);

/* The run's key for `key`. It is that itself, but where the run is traced: which
 * variables it looks up is not known before, so all of them have to be the same. */
struct digest ask_run_of(const struct ask *a, struct digest key);

/* The key that whoever got this answer asked under. A traced result's own is another:
 * what it read is in that. */
struct digest ask_key_of(const struct capsule *c, const struct capsule_meta *m);

/* The key of the result, once a->traced is known. */
struct digest ask_result_key(const struct ask *a);

/* A capsule's meta section: the asking, its declared inputs as observed, and its
 * label. */
void ask_describe(struct buf *meta, const struct ask *a);

/* Is `ask` traced? */
static inline bool ask_is_traced(const struct ask *a)
{
	return a->question->trace != TRACE_NOT;
}

/* Look on the shelf: first by stat alone, then by content. DPC_OK with an
 * answer to be served; DPC_MISS, when `out` may hold an old one to fall back on
 * (out->bytes.data is set then, and verdict_is_old(a->verdict)); or an error
 * about the inputs. `out` is the caller's to release. */
int ask_recall(struct answer *out, struct ask *a, dpc_error *err);

#endif
