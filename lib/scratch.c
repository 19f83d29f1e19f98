#include "scratch.h"

#include "clock.h"
#include "os.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void scratch_of_lock(struct scratch *s, const struct digest *key, int lock)
{
	*s = (struct scratch){.fd = lock, .is_lock = true};
	lock_name(s->name, key);
}

void scratch_open(struct scratch *s, const struct home *h)
{
	*s = (struct scratch){.fd = -1};
	/* A dot keeps it apart from locks; pid and time from its like. */
	snprintf(s->name, sizeof s->name, "locks/.%ld-%lld", (long)getpid(), (long long)clock_mono_ns());
	s->fd = home_open_file(h, s->name, O_RDWR | O_CREAT | O_EXCL);
}

void scratch_close(struct scratch *s, const struct home *h, const struct digest *key)
{
	if (s->fd < 0)
		return;
	if (s->is_lock) {
		lock_retire(h, key, s->fd);
	} else {
		unlinkat(h->fd, s->name, 0);
		close(s->fd);
	}
	s->fd = -1;
}
