#include "handover.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SAID[] = "DPCACHE_HANDOVER", SHOWN[] = "DPCACHE_SHOWN";

static const char *const words[] = {
    [HANDOVER_NONE] = "",
    [HANDOVER_LEAD] = "lead:",
    [HANDOVER_REFRESH] = "refresh:",
    [HANDOVER_ALONE] = "alone",
    [HANDOVER_TIMED_OUT] = "timeout",
};

/* --- saying --- */

static void say_with_lock(enum handover_kind kind, const struct meet *m, const char *more)
{
	char text[160], hex[DIGEST_HEX];
	fcntl(m->lock, F_SETFD, 0);
	digest_hex(hex, &m->lock_key);
	snprintf(text, sizeof text, "%s%s:%d%s", words[kind], hex, m->lock, more);
	setenv(SAID, text, 1);
}

void handover_lead(const struct meet *m)
{
	say_with_lock(HANDOVER_LEAD, m, "");
}

void handover_refresh(const struct meet *m, bool behind, bool merged)
{
	char more[64];
	snprintf(more, sizeof more, ":%lld:%d:%d", (long long)m->refresh_of, behind, merged);
	say_with_lock(HANDOVER_REFRESH, m, more);
}

void handover_say(enum handover_kind kind)
{
	setenv(SAID, words[kind], 1);
}

void handover_shown(const struct resume *given)
{
	char text[RESUME_TEXT];
	resume_encode(text, given);
	setenv(SHOWN, text, 1);
}

/* --- taking --- */

/* "KEY:FD", and for a refresh what follows. */
static bool take_lock(struct handover *h, const char *text)
{
	long long created = 0;
	int behind = 0, merged = 0;
	if (!digest_from_hex(&h->key, text))
		return false;
	int n = sscanf(text + DIGEST_HEX, "%d:%lld:%d:%d", &h->lock, &created, &behind, &merged);
	if (n != (h->kind == HANDOVER_REFRESH ? 4 : 1) || fcntl(h->lock, F_SETFD, FD_CLOEXEC) < 0) {
		h->lock = -1;
		return false;
	}
	h->created = created;
	h->behind = behind;
	h->merged = merged;
	return true;
}

static enum handover_kind kind_of(const char *said)
{
	for (enum handover_kind k = HANDOVER_LEAD; k <= HANDOVER_TIMED_OUT; k++)
		if (strncmp(said, words[k], strlen(words[k])) == 0)
			return k;
	return HANDOVER_NONE;
}

void handover_take(struct handover *h)
{
	const char *said = getenv(SAID), *shown = getenv(SHOWN);
	*h = (struct handover){.lock = -1};
	if (said) {
		h->kind = kind_of(said);
		bool with_lock = h->kind == HANDOVER_LEAD || h->kind == HANDOVER_REFRESH;
		if (with_lock && !take_lock(h, said + strlen(words[h->kind])))
			h->kind = HANDOVER_NONE;
		unsetenv(SAID);
	}
	if (shown) {
		h->shown = strdup(shown);
		unsetenv(SHOWN);
	}
}
