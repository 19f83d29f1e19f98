/* What the unit tests share: a home of their own, children that can be waited
 * for by event, and short ways to build what the rooms of lib take. Nothing in
 * here asserts in a child: a failed assertion there would jump into a copy of
 * the runner. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include <cmocka.h>

#include "ask.h"
#include "hash.h"
#include "recorder.h"

/* --- a scratch directory, and a cache in it --- */

struct fixture {
	char dir[PATH_MAX]; /* physical path */
	struct home home;   /* dir/home */
};

/* home_locate for this directory, then home_open, or home_create. */
int open_home(struct home *h, const char *path, dpc_error *err);
int create_home(struct home *h, const char *path, dpc_error *err);

/* Whose homes these are; ENGINE_SQLITE unless a test says otherwise. */
extern enum engine home_engine;

/* false for one on a server, where no server runs: see tests/with-servers. */
bool engine_can_be_asked(void);

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* A test that gets a struct fixture. */
#define with_home(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

/* dir/name, in one of a few static buffers that are used in turn. */
const char *path_in(const struct fixture *f, const char *name);
/* The same below the home. */
const char *path_at_home(const struct fixture *f, const char *name);

void write_file(const char *path, const void *data, size_t size);
void write_text(const char *path, const char *text);
void read_file(struct buf *out, const char *path);
void make_directory(const char *path);

/* Regular files below `path`, recursively; their bytes are added to *bytes,
 * which may be NULL. */
size_t count_files(const char *path, uint64_t *bytes);

/* --- short words --- */

static inline struct slice slice_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}
static inline struct slice slice_of_buf(const struct buf *b)
{
	return (struct slice){b->data, b->size};
}
struct digest digest_named(const char *text);
bool digest_same(const struct digest *a, const struct digest *b);

#define assert_digests_equal(a, b) assert_true(digest_same((a), (b)))
#define assert_digests_differ(a, b) assert_false(digest_same((a), (b)))

/* `size` bytes that look like nothing and are the same every time. */
void fill_noise(uint8_t *out, size_t size, uint64_t seed);

/* Keeps everything for ever. */
struct policy lenient_policy(void);

/* --- capsules --- */

struct piece {
	enum stream stream;
	const char *text; /* NULL ends a list */
};

/* A whole capsule in memory. `o` NULL: no observations. */
void build_capsule(struct buf *out, const struct capsule *start, struct slice question,
                   const struct observations *o, const struct piece *pieces);

/* Is this a capsule that may be replayed? Checks every sum there is. */
bool capsule_is_whole(const void *data, size_t size);

/* All of a capsule's output, both streams in order. */
void read_frames(struct buf *out, const struct frames *f);

/* --- asking: a caller of the name `name`, with inputs --- */

struct asking {
	struct policy policy;
	struct question question;
	const char *inputs[4];
	struct ask ask;
};

/* `input` NULL: none. Observed already. */
void asking_begin(struct asking *q, const struct home *h, const char *name, const char *input);
void asking_end(struct asking *q);

/* What a leader does before, and after, its command runs. Neither asserts, for
 * they are used in children. */
int begin_run(struct recorder *r, const struct ask *a, int fd);
int end_run(struct recorder *r, const void *output, size_t size);

/* --- other processes --- */

typedef int child_fn(void *context); /* its result, 0 to 255, is the exit status */

/* The child is killed when its parent dies. It does not keep `parents_lock`,
 * where there is one: flock belongs to the open file, which a fork shares. */
extern int parents_lock;
pid_t child_start(child_fn *run, void *context);
/* Its exit status, or 256 + the signal that killed it. */
int child_wait(pid_t pid);
int child_kill(pid_t pid);

/* A gate is closed until somebody opens it, for ever and for all. */
struct gate {
	int fd[2];
};
void gate_init(struct gate *g);
void gate_open(struct gate *g);
void gate_wait(const struct gate *g);
void gate_release(struct gate *g);

/* Return when `count` waiters are blocked in flock on the inode that `path`
 * names, and it is not `other` (0: any). Skips the test where the kernel does
 * not tell. */
void until_blocked(const char *path, ino_t other, int count);
ino_t inode_of(const char *path);

#endif
