/* What a traced run looks at and does not depend on: by rule. Private to the trace. */
#ifndef DPC_TRACE_RULES_H
#define DPC_TRACE_RULES_H

#include "trace.h"

/* Is a path, absolute and tidied up, no input, whatever was seen of it? */
bool trace_ignores(const struct trace_rules *r, const char *path);

/* Is it the directory itself, or below it? */
bool trace_is_below(const char *path, const char *dir);

/* Is it make, to which MAKEFLAGS are no noise? */
bool trace_is_make(const char *program);

/* Is the program one that only hands its environment on, and looks up by name what it
 * uses? */
bool trace_only_hands_on(const char *program);

#endif
