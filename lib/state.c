#include "state.h"

#include "buf.h"
#include "clock.h"
#include "hash.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The byte behind the magic is '1' and the engine. The place is there only where it is
 * not 0. */
static const char NAME[] = STATE_NAME, MAGIC[7] = "DPSTATE";

enum { FIRST_ENGINE = '1', STATE_SIZE = 8 + 8 + 8 + 16 + 8, PLACE_SIZE = 8 };

static size_t size_for(enum engine engine)
{
	return STATE_SIZE + (engine < ENGINE_COUNT && engine_names[engine].remote ? PLACE_SIZE : 0);
}

int state_read(struct state *s, int home_fd, dpc_error *err)
{
	uint8_t bytes[STATE_SIZE + PLACE_SIZE + 1];
	int fd = openat(home_fd, NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return dpc__fail(err, DPC_E_NOTFOUND, "%s is missing", NAME);
	if (fd < 0)
		return dpc__fail_errno(err, "cannot open %s", NAME);
	/* One call: a regular file this small comes whole or is damaged. */
	ssize_t n = read(fd, bytes, sizeof bytes);
	close(fd);
	if (n < 0)
		return dpc__fail_errno(err, "cannot read %s", NAME);
	struct cursor c = {bytes, bytes + n, false};
	struct slice magic = cursor_take(&c, sizeof MAGIC);
	s->engine = (enum engine)(cursor_u8(&c) - FIRST_ENGINE);
	s->generation = cursor_u64(&c);
	s->floor = cursor_u64(&c);
	struct slice secret = cursor_take(&c, sizeof s->secret);
	size_t size = size_for(s->engine);
	s->place = size > STATE_SIZE ? cursor_u64(&c) : 0;
	uint64_t sum = cursor_u64(&c);
	if (n != (ssize_t)size || memcmp(magic.data, MAGIC, sizeof MAGIC) != 0 ||
	    sum != hash64(bytes, size - 8) || s->engine >= ENGINE_COUNT)
		return dpc__fail(err, DPC_E_CORRUPT, "%s is damaged", NAME);
	memcpy(s->secret, secret.data, sizeof s->secret);
	return DPC_OK;
}

int state_init(struct state *s, enum engine engine, uint64_t place, dpc_error *err)
{
	*s = (struct state){.engine = engine, .place = place};
	if (!place)
		state_raise_floor(s);
	if (os_random(s->secret, sizeof s->secret) < 0)
		return dpc__fail_errno(err, "cannot get random bytes");
	return DPC_OK;
}

/* Before a sheet is replaced, and after it. Nobody has asked for it where there is none. */
static void turn(int home_fd, bool after)
{
	uint64_t number = 0;
	int fd = openat(home_fd, STATE_TURN, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (pread(fd, &number, sizeof number, 0) >= 0) {
		number = (number | 1) + after;
		(void)!pwrite(fd, &number, sizeof number, 0);
	}
	close(fd);
}

int state_write(const struct state *s, int home_fd, dpc_error *err)
{
	static const char temporary[] = "state.new";
	struct buf b = {0};
	buf_put(&b, MAGIC, sizeof MAGIC);
	buf_u8(&b, (uint8_t)(FIRST_ENGINE + s->engine));
	buf_u64(&b, s->generation);
	buf_u64(&b, s->floor);
	buf_put(&b, s->secret, sizeof s->secret);
	if (engine_names[s->engine].remote)
		buf_u64(&b, s->place);
	buf_u64(&b, b.failed ? 0 : hash64(b.data, b.size));
	int fd = -1, rc = DPC_OK;
	if (b.failed) {
		rc = dpc__fail(err, DPC_E_MEMORY, "out of memory");
		goto out;
	}
	turn(home_fd, false);
	fd = openat(home_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || os_write_all(fd, b.data, b.size) < 0 ||
	    renameat(home_fd, temporary, home_fd, NAME) < 0) {
		rc = dpc__fail_errno(err, "cannot write %s", NAME);
		unlinkat(home_fd, temporary, 0);
	}
	turn(home_fd, true);
out:
	if (fd >= 0)
		close(fd);
	buf_release(&b);
	return rc;
}

void state_raise_floor(struct state *s)
{
	uint64_t now = (uint64_t)clock_wall_ns();
	s->generation = now > s->generation ? now : s->generation + 1;
	s->floor = s->generation;
}
