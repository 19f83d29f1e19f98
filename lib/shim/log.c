#include "log.h"

#include "memory.h"
#include "place.h"
#include "raw.h"
#include "told.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static uint64_t hash_record(uint64_t head, const struct place *from, const char *path, size_t length)
{
	uint64_t links = atomic_load_explicit(&log_head->links, memory_order_relaxed);
	uint64_t hash = mix(mix(UINT64_C(0x2545f4914f6cdd1d), links), head);
	if (from->length)
		hash = mix_bytes(hash, from->text, from->length);
	return mix_bytes(hash, path, length);
}

struct entry {
	enum wire_kind kind;
	unsigned detail;
	int error;
	struct place from;
	const char *path;
	size_t length;
};

static struct wire_record *append(const struct entry *e)
{
	size_t before = e->from.length ? e->from.length + 1 : 0;
	uint32_t size = wire_size(before + e->length);
	struct wire_record *r = wire_reserve(log_head, size);
	if (!r)
		return NULL;
	r->kind = (uint16_t)e->kind;
	r->error = (uint16_t)e->error;
	r->detail = e->detail;
	r->pid = memory_pid();
	if (before) {
		memcpy(r->path, e->from.text, e->from.length);
		r->path[e->from.length] = '/';
	}
	memcpy(r->path + before, e->path, e->length);
	r->path[before + e->length] = 0;
	wire_finish(r, size);
	return r;
}

/* Each process says hello for itself. */
static bool speaks_for_all(const struct entry *e)
{
	return wire_only_looks(e->kind, e->detail) && e->kind != WIRE_HELLO;
}

static struct wire_record *append_new(const struct entry *e)
{
	if (e->kind == WIRE_MAKE && !e->error)
		wire_count_link(log_head, e->detail);
	if (e->kind == WIRE_MAKE || e->kind == WIRE_REMOVE)
		return append(e);
	uint64_t head = (uint64_t)e->detail << 32 | (uint64_t)e->kind << 16 | (uint64_t)e->error;
	uint64_t hash = hash_record(head, &e->from, e->path, e->length);
	if ((speaks_for_all(e) && told_before(hash)) || !memory_is_new(hash))
		return NULL;
	struct wire_record *r = append(e);
	if (r && speaks_for_all(e))
		told_note(hash);
	return r;
}

typedef struct wire_record *write_entry(const struct entry *e);

/* Apart, for its large frame: the usual way has none, and signal stacks are small. */
static __attribute__((noinline)) struct wire_record *write_from(struct entry *e, int dir, write_entry *write)
{
	char room[WIRE_PATH_MAX];
	if (place_of(&e->from, dir, room) && e->from.length + 1 + e->length < WIRE_PATH_MAX)
		return write(e);
	/* What cannot be told is a reason not to believe the result. */
	log_word(WIRE_UNCACHEABLE, "used a file that has no name");
	return NULL;
}

/* Was the path given to a call that failed so certainly read by the kernel? Only then
 * may we. And if it was too long or empty, that does not depend on any file. */
static bool is_readable(const char *path, int error)
{
	return path && error != EFAULT && error != EINVAL && error != ENOSYS && error != ENAMETOOLONG && *path;
}

static struct wire_record *write_path(struct entry *e, int dir, write_entry *write)
{
	e->length = strnlen(e->path, WIRE_PATH_MAX);
	if (*e->path == '/' && e->length < WIRE_PATH_MAX)
		return write(e);
	if (dir == AT_FDCWD && place_known(&e->from) && e->from.length + 1 + e->length < WIRE_PATH_MAX)
		return write(e);
	return write_from(e, dir, write);
}

void log_outcome(enum wire_kind kind, unsigned detail, int dir, const char *path, int error)
{
	struct entry e = {.kind = kind, .detail = detail, .error = error, .path = path};
	if (log_on() && is_readable(path, error))
		write_path(&e, dir, append_new);
}

void log_path(enum wire_kind kind, unsigned detail, int dir, const char *path, long rc)
{
	log_outcome(kind, detail, dir, path, rc < 0 ? errno : 0);
}

void log_fd(enum wire_kind kind, unsigned detail, int fd, long rc)
{
	struct entry e = {.kind = kind, .detail = detail, .error = rc < 0 ? errno : 0};
	char room[WIRE_PATH_MAX];
	struct place file;
	/* Pipes and the like have no path; nor has what is not open. */
	if (!log_on() || fd < 0 || !place_of(&file, fd, room))
		return;
	e.path = file.text;
	e.length = file.length;
	append_new(&e);
}

void log_read_by_rule(const char *path)
{
	if (!log_on())
		return;
	uint64_t rule = told_hash((const char *const[]){"read", path, NULL});
	if (*path == '/' && told_before(rule))
		return;
	log_outcome(WIRE_OPEN, WIRE_OPEN_READ, AT_FDCWD, path, (int)-raw_access(AT_FDCWD, path, R_OK));
	told_note(rule);
}

void log_word(enum wire_kind kind, const char *word)
{
	if (!log_on() || !word)
		return;
	struct entry e = {.kind = kind, .path = word, .length = strnlen(word, WIRE_PATH_MAX - 1)};
	append_new(&e);
}

void log_end(const char *why)
{
	log_word(WIRE_UNCACHEABLE, why);
	log_live = false;
}

/* In a vfork child, too, by its own number: the counts are checked by process. */
static struct wire_record *write_counted(struct entry *e, int dir)
{
	struct wire_record *r = is_readable(e->path, e->error) ? write_path(e, dir, append) : NULL;
	if (r)
		r->pid = (uint32_t)raw_pid();
	return r;
}

struct wire_record *log_exec(enum wire_exec detail, int dir, const char *path)
{
	struct entry e = {.kind = WIRE_EXEC, .detail = detail, .path = path};
	atomic_fetch_add_explicit(&log_head->execs, 1, memory_order_relaxed);
	return write_counted(&e, dir);
}

void log_exec_failed(int error, int dir, const char *path)
{
	struct entry e = {.kind = WIRE_EXEC_FAILED, .error = error, .path = path};
	atomic_fetch_sub_explicit(&log_head->execs, 1, memory_order_relaxed);
	write_counted(&e, dir);
}

void log_note(enum wire_note note)
{
	static _Atomic uint32_t noted;
	if (atomic_load_explicit(&noted, memory_order_relaxed) & note || !log_on())
		return;
	atomic_fetch_or_explicit(&noted, note, memory_order_relaxed);
	atomic_fetch_or_explicit(&log_head->notes, note, memory_order_relaxed);
}
