/* What the front tells the core through one environment variable when it
 * becomes it: how far it came at the meeting. The core takes it out of the
 * environment before any command can see it. */
#ifndef DPC_HANDOVER_H
#define DPC_HANDOVER_H

#define HANDOVER "DPCACHE_HANDOVER"
#define HANDOVER_LEAD "lead:"         /* and the lock's key and descriptor: KEY:FD */
#define HANDOVER_REFRESH "refresh:"   /* KEY:FD:CREATED:BEHIND:MERGED: the lock, which entry is to be
                                       * refreshed, whether behind the caller's back, and whether its
                                       * stdout and stderr were one file */
#define HANDOVER_ALONE "alone"        /* the run at work cannot be shared */
#define HANDOVER_TIMED_OUT "timeout"  /* --wait is over */

/* Beside it, where a run was shown that died: how much of its output (resume.h). */
#define HANDOVER_SHOWN "DPCACHE_SHOWN"

#endif
