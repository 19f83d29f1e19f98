/* The small languages of options: durations, sizes, lists of exit statuses. */
#ifndef DPC_PARSE_H
#define DPC_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/* "300", ".5", "50ms", "90s", "5m", "1h30m", "2d", "1w" or "forever" into
 * nanoseconds (DPC_FOREVER for the last). Units: ns us ms s m h d w; none is
 * seconds. false for anything else, negative or beyond 292 years included. */
bool parse_duration(int64_t *ns, const char *text);

/* "4096", "64k", "1.5m", "2g", "1t": powers of 1024, an optional "b" or "ib"
 * behind, either case. */
bool parse_size(uint64_t *bytes, const char *text);

/* A plain decimal number within [low, high]. */
bool parse_number(long *value, const char *text, long low, long high);

/* A decimal number above zero, without exponent: "1", ".5", "2.25". */
bool parse_positive(double *value, const char *text);

/* Exit statuses 0–255. */
struct exit_set {
	uint64_t bits[4];
};

/* "0", "0,1,3-5" or "any". */
bool parse_exit_set(struct exit_set *set, const char *text);
bool exit_set_has(const struct exit_set *set, int status);

#endif
