#include "support.h"

#include "store/mem.h"

#include "clock.h"
#include "key.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* --- a scratch directory, and a cache in it --- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

enum engine home_engine = ENGINE_SQLITE;

bool engine_can_be_asked(void)
{
	bool redis = home_engine == ENGINE_REDIS_UNIX || home_engine == ENGINE_TIER;
	return !engine_names[home_engine].remote || (redis && getenv("DPC_TEST_REDIS")) ||
	       (home_engine == ENGINE_MEMCACHED && getenv("DPC_TEST_MEMCACHED"));
}

/* Whose URL a home borrows. Each directory has a namespace of its own there. */
static const char *remote_url(const char *path)
{
	static char urls[16][PATH_MAX + 128];
	static size_t next;
	char *url = urls[next++ % 16];
	setenv("DPCACHE_DIR", path, 1);
	bool memcached = home_engine == ENGINE_MEMCACHED;
	snprintf(url, sizeof urls[0], "%s%s://%s?unsigned=1&ns=%016llx", home_engine == ENGINE_TIER ? "tier:sqlite:," : "",
	         memcached ? "memcached" : "redis+unix", getenv(memcached ? "DPC_TEST_MEMCACHED" : "DPC_TEST_REDIS"),
	         (unsigned long long)hash64(path, strlen(path)));
	return url;
}

static int locate(struct home *h, const char *path, dpc_error *err)
{
	char url[PATH_MAX + 16];
	if (engine_names[home_engine].remote)
		return home_locate(h, remote_url(path), NULL, err);
	snprintf(url, sizeof url, "%s:%s", engine_names[home_engine].scheme,
	         engine_names[home_engine].fleeting ? "" : path);
	return home_locate(h, url, NULL, err);
}

int open_home(struct home *h, const char *path, dpc_error *err)
{
	int rc = locate(h, path, err);
	return rc == DPC_OK ? home_open(h, err) : rc;
}

int create_home(struct home *h, const char *path, dpc_error *err)
{
	int rc = locate(h, path, err);
	if (rc == DPC_OK && home_engine == ENGINE_MEM)
		return mem_home_begin(h, (size_t)1 << 26, err);
	return rc == DPC_OK ? home_create(h, err) : rc;
}

int fixture_setup(void **state)
{
	const char *base = getenv("TMPDIR");
	char template[PATH_MAX];
	struct fixture *f = calloc(1, sizeof *f);
	if (!f)
		return -1;
	snprintf(template, sizeof template, "%s/dpcache-unit-XXXXXX", base && *base ? base : "/tmp");
	/* Physical: on some systems /tmp is a symbolic link. */
	if (!mkdtemp(template) || !realpath(template, f->dir))
		return -1;
	*state = f;
	dpc_error err = {0};
	if (create_home(&f->home, path_in(f, "home"), &err) == DPC_OK)
		return 0;
	print_error("%s\n", err.message);
	fixture_teardown(state);
	return -1;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	mem_home_end(&f->home);
	home_close(&f->home);
	int rc = nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return rc;
}

static char *next_path(void)
{
	static char paths[8][PATH_MAX];
	static unsigned turn;
	return paths[turn++ % 8];
}

const char *path_in(const struct fixture *f, const char *name)
{
	char *path = next_path();
	int n = snprintf(path, PATH_MAX, "%s/%s", f->dir, name);
	return n < PATH_MAX ? path : "";
}

const char *path_at_home(const struct fixture *f, const char *name)
{
	char *path = next_path();
	int n = snprintf(path, PATH_MAX, "%s/home/%s", f->dir, name);
	return n < PATH_MAX ? path : "";
}

void write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	close(fd);
}

void write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

void read_file(struct buf *out, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	uint8_t *to = buf_reserve(out, (size_t)st.st_size + 1);
	assert_non_null(to);
	assert_int_equal(read(fd, to, (size_t)st.st_size + 1), st.st_size);
	out->size += (size_t)st.st_size;
	close(fd);
}

void make_directory(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static struct {
	size_t files;
	uint64_t bytes;
} counted;

static int count_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)path;
	(void)at;
	if (kind == FTW_F && S_ISREG(st->st_mode)) {
		counted.files++;
		counted.bytes += (uint64_t)st->st_size;
	}
	return 0;
}

size_t count_files(const char *path, uint64_t *bytes)
{
	counted.files = 0;
	counted.bytes = 0;
	nftw(path, count_one, 16, FTW_PHYS);
	if (bytes)
		*bytes += counted.bytes;
	return counted.files;
}

/* --- short words --- */

struct digest digest_named(const char *text)
{
	return hash128(text, strlen(text));
}

bool digest_same(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void fill_noise(uint8_t *out, size_t size, uint64_t seed)
{
	/* xorshift: no seed of the run's own, so that a failure comes again. */
	uint64_t x = seed * 2 + 1;
	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		out[i] = (uint8_t)(x >> 32);
	}
}

struct policy lenient_policy(void)
{
	struct policy p = {
	    .ttl = DPC_FOREVER,
	    .wait = DPC_FOREVER,
	    .max_output = UINT64_C(1) << 30,
	};
	parse_exit_set(&p.cache_exit, "any");
	return p;
}

/* --- capsules --- */

void build_capsule(struct buf *out, const struct capsule *start, struct slice question,
                   const struct observations *o, const struct piece *pieces)
{
	static const struct observations none;
	struct recorder r;
	struct buf meta = {0};
	capsule_encode_meta(&meta, question, o ? o : &none, slice_of("a label"));
	assert_int_equal(recorder_begin(&r, start, &meta, -1, UINT64_MAX, NULL), DPC_OK);
	for (; pieces->text; pieces++)
		assert_int_equal(recorder_append(&r, pieces->stream, pieces->text, strlen(pieces->text), NULL),
		                 DPC_OK);
	assert_int_equal(recorder_finish(&r, CAPSULE_DONE, NULL), DPC_OK);
	assert_int_equal(recorder_inline_bytes(&r, out), 0);
	recorder_release(&r);
}

bool capsule_is_whole(const void *data, size_t size)
{
	struct answer a = ANSWER_NONE;
	struct buf bytes = {0};
	buf_put(&bytes, data, size);
	bool whole = answer_from_bytes(&a, &bytes, NULL) == DPC_OK && a.frames.memory.data &&
	             a.capsule.state == CAPSULE_DONE && !a.capsule.voided &&
	             capsule_check_frames(&a.capsule, &a.frames, NULL) == DPC_OK;
	buf_release(&bytes);
	answer_release(&a);
	return whole;
}

void read_frames(struct buf *out, const struct frames *f)
{
	struct buf all = {0};
	uint8_t *to = buf_reserve(&all, (size_t)f->size + 1);
	assert_non_null(to);
	if (f->memory.data)
		memcpy(to, f->memory.data, f->memory.size);
	else
		assert_int_equal(pread(f->fd, to, (size_t)f->size, (off_t)f->offset), (ssize_t)f->size);
	struct cursor c = {to, to + f->size, false};
	while (c.at < c.end && !c.bad) {
		struct slice s = cursor_take(&c, (size_t)frame_word_size(cursor_u64(&c)));
		buf_put(out, s.data, s.size);
	}
	assert_false(c.bad);
	buf_release(&all);
}

/* --- asking --- */

void asking_begin(struct asking *q, const struct home *h, const char *name, const char *input)
{
	*q = (struct asking){.policy = lenient_policy()};
	q->question.name = slice_of(name);
	q->question.inputs = q->inputs;
	if (input)
		q->inputs[q->question.input_count++] = input;
	assert_int_equal(ask_init(&q->ask, h, &q->policy, &q->question, NULL, NULL), DPC_OK);
	assert_int_equal(ask_observe(&q->ask, NULL), DPC_OK);
}

void asking_end(struct asking *q)
{
	ask_release(&q->ask);
}

int begin_run(struct recorder *r, const struct ask *a, int fd)
{
	struct capsule c = {
	    .key = a->key,
	    .generation = a->home->state.generation,
	    .pid = (uint32_t)getpid(),
	    .started = clock_wall_ns(),
	};
	struct buf label = {0}, meta = {0};
	label_of(&label, a->question);
	capsule_encode_meta(&meta, slice_of_buf(&a->bytes), &a->observed, slice_of_buf(&label));
	buf_release(&label);
	return recorder_begin(r, &c, &meta, fd, a->policy->max_output, NULL);
}

int end_run(struct recorder *r, const void *output, size_t size)
{
	int rc = recorder_append(r, STREAM_OUT, output, size, NULL);
	r->capsule.ttl = DPC_FOREVER;
	r->capsule.cost = clock_wall_ns() - r->capsule.started;
	moment_now(&r->capsule.created);
	return rc == DPC_OK ? recorder_finish(r, CAPSULE_DONE, NULL) : rc;
}

/* --- other processes --- */

int parents_lock = -1;

pid_t child_start(child_fn *run, void *context)
{
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(255);
		if (parents_lock >= 0)
			close(parents_lock);
		_exit(run(context));
	}
	assert_true(pid > 0);
	return pid;
}

int child_wait(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

int child_kill(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	return child_wait(pid);
}

void gate_init(struct gate *g)
{
	assert_int_equal(pipe(g->fd), 0);
}

void gate_open(struct gate *g)
{
	/* Never read, so that everybody who comes sees it. */
	ssize_t n = write(g->fd[1], "", 1);
	(void)n;
}

void gate_wait(const struct gate *g)
{
	/* Readable is enough; the byte stays for the others. */
	struct pollfd p = {.fd = g->fd[0], .events = POLLIN};
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}

void gate_release(struct gate *g)
{
	close(g->fd[0]);
	close(g->fd[1]);
}

ino_t inode_of(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* Lines of waiters have an arrow:
 * "1: -> FLOCK  ADVISORY  READ  1235 fd:00:5678 0 EOF". */
static int count_blocked(ino_t ino)
{
	char line[256], want[32];
	int n = 0;
	FILE *locks = fopen("/proc/locks", "re");
	if (!locks)
		return -1;
	snprintf(want, sizeof want, ":%lu ", (unsigned long)ino);
	while (fgets(line, sizeof line, locks))
		if (strstr(line, "->") && strstr(line, want))
			n++;
	fclose(locks);
	return n;
}

void until_blocked(const char *path, ino_t other, int count)
{
	for (;;) {
		ino_t ino = inode_of(path);
		int n = ino ? count_blocked(ino) : 0;
		if (n < 0)
			skip();
		if (ino && ino != other && n == count)
			return;
		sched_yield();
	}
}
