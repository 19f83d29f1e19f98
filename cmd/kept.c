#include "kept.h"

#include <stdio.h>

static const char *in_words(enum kept kept)
{
	switch (kept) {
	case KEPT:
		return NULL;
	case KEPT_NOT_ASKED:
		return "not remembered: --no-write";
	case KEPT_FAILURE:
		return "not remembered: its exit status is a failure";
	case KEPT_TOO_LARGE:
		return "not remembered: larger than --max-output";
	case KEPT_VOIDED:
		return "not remembered: invalidated while it ran";
	case KEPT_NO_OUTPUT:
		return "not remembered: an output is missing";
	case KEPT_ODD_OUTPUT:
		return "not remembered: an output cannot be kept";
	case KEPT_CHANGED:
		return "not remembered: an input changed while it ran";
	case KEPT_UNTRACED:
		return "not remembered: what it depends on is not known";
	case KEPT_INTERRUPTED:
		return "not remembered: ended early";
	case KEPT_ERROR:
		return "not remembered: the cache failed";
	}
	return NULL;
}

const char *kept_reason(const struct lead *l, char text[KEPT_REASON])
{
	if (l->kept == KEPT && l->trace && trace_notes(l->trace) & WIRE_SAW_TIME)
		return "remembered, though it asked what time it is";
	if (!l->why.code)
		return in_words(l->kept);
	snprintf(text, KEPT_REASON, "not remembered: %s", l->why.message);
	return text;
}
