/* Why a run's result is not remembered, in words. */
#ifndef DPC_KEPT_H
#define DPC_KEPT_H

#include "lead.h"

enum { KEPT_REASON = 640 };

/* Of a run that is over; NULL: it is remembered, and nothing is to be said of that. What a trace has to say is written
 * to `text`. */
const char *kept_reason(const struct lead *l, char text[KEPT_REASON]);

#endif
