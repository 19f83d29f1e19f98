#include "breaker.h"

#include "clock.h"
#include "hash.h"
#include "os.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int64_t SECOND = 1000000000, LONGEST = 30;

enum { FIXED = 24, MOST = FIXED + 512, NAME_SIZE = 24 };

struct rest {
	uint64_t failures;
	int64_t until; /* wall clock, ns */
	char why[MOST - FIXED + 1];
};

static const char *name_of(char out[NAME_SIZE], unsigned server)
{
	snprintf(out, NAME_SIZE, server ? "down.%u" : "down", server);
	return out;
}

static void read_rest(struct rest *r, const struct home *h, const char *name)
{
	uint8_t bytes[MOST];
	*r = (struct rest){.failures = 0};
	int fd = openat(h->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	ssize_t n = os_read_full(fd, bytes, sizeof bytes);
	close(fd);
	if (n < FIXED)
		return;
	struct cursor c = {bytes, bytes + n, false};
	if (cursor_u64(&c) != hash64(bytes + 8, (size_t)n - 8))
		return;
	r->failures = cursor_u64(&c);
	r->until = (int64_t)cursor_u64(&c);
	memcpy(r->why, c.at, (size_t)(c.end - c.at));
}

static int64_t length(uint64_t failures)
{
	return (failures > 5 ? LONGEST : INT64_C(1) << (failures - 1)) * SECOND;
}

int breaker_check(const struct home *h, unsigned server, dpc_error *err)
{
	char name[NAME_SIZE];
	struct rest r;
	read_rest(&r, h, name_of(name, server));
	int64_t left = r.until - clock_wall_ns();
	/* Longer than any rest: the clock was set back since. */
	if (!r.failures || left <= 0 || left > LONGEST * SECOND)
		return DPC_OK;
	return dpc__fail(err, DPC_E_IO, "%s; it is asked again in %lld s", r.why, (long long)left / SECOND + 1);
}

void breaker_note(const struct home *h, unsigned server, const dpc_error *why)
{
	char name[NAME_SIZE];
	struct buf b = {0};
	struct rest r;
	read_rest(&r, h, name_of(name, server));
	uint64_t failures = r.failures + 1;
	buf_u64(&b, 0);
	buf_u64(&b, failures);
	buf_u64(&b, (uint64_t)(clock_wall_ns() + length(failures)));
	buf_put(&b, why->message, strlen(why->message));
	int fd = openat(h->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && !b.failed) {
		uint64_t sum = hash64(b.data + 8, b.size - 8);
		for (int i = 0; i < 8; i++)
			b.data[i] = (uint8_t)(sum >> 8 * i);
		/* Torn by another's, it counts for nothing. */
		(void)os_pwrite_all(fd, b.data, b.size, 0);
	}
	if (fd >= 0)
		close(fd);
	buf_release(&b);
}

void breaker_clear(const struct home *h, unsigned server)
{
	char name[NAME_SIZE];
	unlinkat(h->fd, name_of(name, server), 0);
}
