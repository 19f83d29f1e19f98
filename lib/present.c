#include "present.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static const char NAME[] = "present", FRESH[] = "present.new";

enum { BYTES = 1 << 21 };

/* Keys are hashes already: any of their bits will do. */
static void place(const struct digest *key, off_t *at, uint8_t *bit)
{
	uint32_t n;
	memcpy(&n, key->bytes, sizeof n);
	*at = n / 8 % BYTES;
	*bit = (uint8_t)(1u << n % 8);
}

bool present_maybe(const struct home *h, const struct digest *key)
{
	off_t at;
	uint8_t bit, byte = 0;
	/* What others have put there is not known here. */
	int fd = h->place ? -1 : openat(h->fd, NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return true;
	place(key, &at, &bit);
	/* Beyond the end of the file no bit was ever set. */
	ssize_t n = pread(fd, &byte, 1, at);
	close(fd);
	return n < 0 || (byte & bit);
}

bool present_note(int fd, const struct digest *key)
{
	off_t at;
	uint8_t bit, byte = 0;
	place(key, &at, &bit);
	if (pread(fd, &byte, 1, at) < 0)
		return false;
	byte |= bit;
	return pwrite(fd, &byte, 1, at) == 1;
}

void present_add(const struct home *h, const struct digest *key)
{
	int fd = h->place ? -1 : openat(h->fd, NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	/* A bit that cannot be set would hide an entry: then no filter at all. */
	if (!present_note(fd, key))
		unlinkat(h->fd, NAME, 0);
	close(fd);
}

int present_begin(const struct home *h)
{
	return openat(h->fd, FRESH, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

void present_end(const struct home *h, int fd, bool complete)
{
	if (fd < 0 || !complete || renameat(h->fd, FRESH, h->fd, NAME) < 0) {
		unlinkat(h->fd, FRESH, 0);
		unlinkat(h->fd, NAME, 0);
	}
	if (fd >= 0)
		close(fd);
}
