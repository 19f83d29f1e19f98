#include "scratch.h"

#include "clock.h"
#include "os.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void scratch_of_lock(struct scratch *s, const struct digest *key, int lock)
{
	*s = (struct scratch){.fd = lock, .is_lock = true};
	lock_name(s->name, key);
}

bool scratch_is_name(const char *name, const struct digest *key)
{
	char hex[DIGEST_HEX];
	size_t n = strlen(name);
	if (name[0] != '.' || n < DIGEST_HEX)
		return false;
	if (!key)
		return true;
	digest_hex(hex, key);
	return strcmp(name + n - (DIGEST_HEX - 1), hex) == 0;
}

void scratch_open(struct scratch *s, const struct home *h, const struct digest *key)
{
	char hex[DIGEST_HEX];
	*s = (struct scratch){.fd = -1};
	digest_hex(hex, key);
	/* A dot keeps it apart from locks; pid and time from its like. */
	snprintf(s->name, sizeof s->name, "locks/.%ld-%lld-%s", (long)getpid(), (long long)clock_mono_ns(), hex);
	s->fd = home_open_file(h, s->name, O_RDWR | O_CREAT | O_EXCL);
}

void scratch_retire(struct scratch *s, const struct home *h, const struct digest *key)
{
	if (s->fd < 0 || s->retired)
		return;
	s->retired = true;
	if (s->is_lock)
		lock_release(h, key, s->fd);
	else
		unlinkat(h->fd, s->name, 0);
}

void scratch_close(struct scratch *s, const struct home *h, const struct digest *key)
{
	if (s->fd < 0)
		return;
	scratch_retire(s, h, key);
	close(s->fd);
	s->fd = -1;
}
