#include "watcher/journal.h"

#include "siphash.h"

#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool journal_open(struct journal *j, const char *path)
{
	struct stat st;
	void *map = MAP_FAILED;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return false;
	/* A shorter one would kill us with SIGBUS. */
	if (fstat(fd, &st) == 0 && st.st_size >= WIRE_SIZE)
		map = mmap(NULL, WIRE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return false;
	j->head = map;
	j->path = path;
	return j->head->magic == WIRE_MAGIC;
}

static void append(struct wire_head *head, const struct wire_record *r, uint32_t size)
{
	struct wire_record *to = wire_reserve(head, size);
	if (!to)
		return;
	memcpy((char *)to + sizeof to->size, (const char *)r + sizeof r->size, size - sizeof r->size);
	wire_finish(to, size);
}

/* Behind a new link, the same record is another: what stands for its size says so.
 * Two records are taken for one if 64 bits of a keyed hash agree. A newer one
 * displaces an older one: then that is written again, which does no harm. */
static bool is_known(const struct wire_record *r, size_t size)
{
	enum { KNOWN = 1 << 15 };
	static uint64_t known[KNOWN];
	uint64_t sum[2];
	const void *key = (const void *)getauxval(AT_RANDOM); // NOLINT(performance-no-int-to-ptr)
	siphash128((uint8_t *)sum, r, size, key);
	uint64_t *place = &known[sum[0] % KNOWN];
	if (*place == sum[1])
		return true;
	*place = sum[1];
	return false;
}

static bool is_ours(const struct journal *j, const char *path)
{
	return strcmp(path, j->path) == 0 || strcmp(path, j->head->shim) == 0 ||
	       strcmp(path, j->head->shim_musl) == 0;
}

static void write_record(const struct journal *j, const struct wire_record *facts, const char *path,
                         bool again)
{
	static union {
		struct wire_record r;
		char room[sizeof(struct wire_record) + WIRE_PATH_MAX + WIRE_ALIGN];
	} out;
	size_t length = strnlen(path, WIRE_PATH_MAX - 1);
	size_t used = sizeof *facts + length + 1, size = wire_size(length);
	memcpy(&out.r, facts, sizeof *facts);
	memcpy(out.r.path, path, length);
	memset(out.r.path + length, 0, size - used + 1);
	out.r.size = atomic_load_explicit(&j->head->links, memory_order_relaxed);
	if (again || !is_known(&out.r, size))
		append(j->head, &out.r, (uint32_t)size);
}

void journal_tell(const struct journal *j, pid_t pid, enum wire_kind kind, int error, uint32_t detail,
                  const char *path)
{
	struct wire_record r = {
	    .kind = (uint16_t)kind, .error = (uint16_t)error, .detail = detail, .pid = (uint32_t)pid};
	if (kind == WIRE_MAKE && !error)
		wire_count_link(j->head, detail);
	if (!is_ours(j, path))
		write_record(j, &r, path, kind == WIRE_MAKE || kind == WIRE_REMOVE);
}

void journal_tell_hello(const struct journal *j, pid_t pid, const char *program)
{
	struct wire_record r = {.kind = WIRE_HELLO, .pid = (uint32_t)pid};
	atomic_fetch_add(&j->head->hellos, 1);
	write_record(j, &r, program, true);
}

void journal_tell_exec(const struct journal *j, pid_t pid, const char *path, const char *program,
                       bool counted)
{
	struct wire_record r = {.kind = WIRE_EXEC, .detail = WIRE_EXEC_WATCHER, .pid = (uint32_t)pid};
	if (!counted) {
		atomic_fetch_add(&j->head->execs, 1);
		write_record(j, &r, path, true);
	}
	journal_tell_hello(j, pid, program);
}

void journal_tell_reason(const struct journal *j, pid_t pid, const char *why)
{
	journal_tell(j, pid, WIRE_UNCACHEABLE, 0, 0, why);
}

void journal_note(const struct journal *j, enum wire_note note)
{
	atomic_fetch_or(&j->head->notes, (uint32_t)note);
}
