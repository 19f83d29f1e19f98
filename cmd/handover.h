/* What the front tells the core when it becomes it: how far it came at the
 * meeting. Two environment variables carry it, which the core takes out before
 * any command can see them:
 *
 *   DPCACHE_HANDOVER   lead:KEY:FD                           the lock is taken, to run
 *                      refresh:KEY:FD:CREATED:BEHIND:MERGED  … to refresh what was created then
 *                      alone                                 the run at work cannot be shared
 *                      timeout                               --wait is over
 *   DPCACHE_SHOWN      OUTCOUNT:OUTHEX:ERRCOUNT:ERRHEX       how much of a run that died was shown
 *
 * A lock belongs to the open file, not to the process: it is handed on with its
 * descriptor. */
#ifndef DPC_HANDOVER_H
#define DPC_HANDOVER_H

#include "meet.h"

enum handover_kind { HANDOVER_NONE, HANDOVER_LEAD, HANDOVER_REFRESH, HANDOVER_ALONE, HANDOVER_TIMED_OUT };

struct handover {
	enum handover_kind kind;
	struct digest key; /* LEAD, REFRESH: of the lock … */
	int lock;          /* … in this descriptor; -1: none */
	int64_t created;   /* REFRESH: wall clock, ns */
	bool behind;       /* REFRESH: nobody waits for an answer … */
	bool merged;       /* … and whether the caller's stdout and stderr were one file */
	const char *shown; /* as resume_encode has it, or NULL */
};

/* --- the front --- */

void handover_lead(const struct meet *m);
void handover_refresh(const struct meet *m, bool behind, bool merged);
/* HANDOVER_ALONE or HANDOVER_TIMED_OUT. */
void handover_say(enum handover_kind kind);
void handover_shown(const struct resume *given);

/* --- the core --- */

/* Read what was said, and take it out of the environment. */
void handover_take(struct handover *h);

#endif
