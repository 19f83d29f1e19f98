#include "backoff.h"

#include "clock.h"
#include "os.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char SUFFIX[] = ".err";

static const int64_t FIRST = INT64_C(1) * 1000000000, LONGEST = INT64_C(60) * 1000000000;

struct note {
	uint64_t sum, failures;
	struct moment last;
};

enum { NAME = SHELF_NAME + sizeof ".err" };

static void name_of(char out[NAME], const struct digest *key)
{
	shelf_name(out, key);
	strcat(out, SUFFIX);
}

static uint64_t sum_of(const struct note *n)
{
	return hash64(&n->failures, sizeof *n - sizeof n->sum);
}

static bool read_whole(struct note *n, const struct home *h, const char *name)
{
	int fd = openat(h->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t got = fd < 0 ? -1 : os_read_full(fd, n, sizeof *n);
	if (fd >= 0)
		close(fd);
	return got == sizeof *n && n->sum == sum_of(n);
}

/* All zero where there is none, or a damaged one. */
static void read_note(struct note *n, const struct home *h, const struct digest *key)
{
	char name[NAME];
	name_of(name, key);
	if (!read_whole(n, h, name))
		*n = (struct note){0};
}

bool backoff_is_name(const char *path)
{
	size_t n = strlen(path), end = sizeof SUFFIX - 1;
	return n > end && strcmp(path + n - end, SUFFIX) == 0;
}

bool backoff_is_intact(const struct home *h, const char *path)
{
	struct note n;
	return read_whole(&n, h, path);
}

static int64_t pause_after(uint64_t failures)
{
	int64_t pause = FIRST;
	while (failures-- > 1 && pause < LONGEST)
		pause *= 2;
	return pause < LONGEST ? pause : LONGEST;
}

int64_t backoff_left(const struct home *h, const struct digest *key, const struct policy *p)
{
	struct note n;
	read_note(&n, h, key);
	if (!n.failures)
		return 0;
	int64_t since = moment_age(&n.last);
	int64_t pause = p->ttl_fail > 0 ? p->ttl_fail : pause_after(n.failures);
	return since < 0 || since > pause ? 0 : pause - since;
}

void backoff_note(const struct home *h, const struct digest *key)
{
	struct note n;
	char name[NAME];
	read_note(&n, h, key);
	n.failures++;
	moment_now(&n.last);
	n.sum = sum_of(&n);
	name_of(name, key);
	int fd = home_open_file(h, name, O_WRONLY | O_CREAT);
	if (fd < 0)
		return;
	/* One write of a few bytes: read whole, or seen by its sum not to be. */
	(void)os_pwrite_all(fd, &n, sizeof n, 0);
	close(fd);
}

void backoff_clear(const struct home *h, const struct digest *key)
{
	char name[NAME];
	name_of(name, key);
	unlinkat(h->fd, name, 0);
}
