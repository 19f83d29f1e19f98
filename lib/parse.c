#include "parse.h"

#include "dpcache.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Digits with at most one point, no sign, no exponent, no locale. Moves *at
 * behind them; false when there is no digit. */
static bool plain_decimal(double *value, const char **at)
{
	const char *p = *at;
	double v = 0, scale = 1;
	bool digit = false;
	for (; isdigit((unsigned char)*p); p++, digit = true)
		v = v * 10 + (*p - '0');
	if (*p == '.') {
		p++;
		for (; isdigit((unsigned char)*p); p++, digit = true) {
			scale /= 10;
			v += (*p - '0') * scale;
		}
	}
	*value = v;
	*at = p;
	return digit;
}

static bool duration_unit(double *ns, const char **at)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1},  {"us", 1e3},  {"ms", 1e6},    {"s", 1e9},
	             {"m", 6e10}, {"h", 3.6e12}, {"d", 8.64e13}, {"w", 6.048e14}};
	size_t n = 0;
	while (isalpha((unsigned char)(*at)[n]))
		n++;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strlen(units[i].name) == n && memcmp(units[i].name, *at, n) == 0) {
			*ns = units[i].ns;
			*at += n;
			return true;
		}
	return false;
}

bool parse_duration(int64_t *ns, const char *text)
{
	if (strcmp(text, "forever") == 0) {
		*ns = DPC_FOREVER;
		return true;
	}
	const char *p = text;
	double total = 0, value, unit;
	bool first = true;
	if (!*p)
		return false;
	for (; *p; first = false) {
		if (!plain_decimal(&value, &p))
			return false;
		/* Seconds need no unit where they stand alone. */
		if (!*p && first)
			unit = 1e9;
		else if (!duration_unit(&unit, &p))
			return false;
		total += value * unit;
	}
	if (!(total < 9.2e18))
		return false;
	*ns = (int64_t)(total + 0.5);
	return true;
}

bool parse_size(uint64_t *bytes, const char *text)
{
	static const char letters[] = "kmgt";
	const char *p = text;
	double value;
	if (!plain_decimal(&value, &p))
		return false;
	const char *letter = *p ? strchr(letters, tolower((unsigned char)*p)) : NULL;
	if (letter) {
		for (const char *l = letters; l <= letter; l++)
			value *= 1024;
		p++;
		if (strcasecmp(p, "b") == 0 || strcasecmp(p, "ib") == 0)
			p = "";
	}
	if (*p || !(value < 9.2e18))
		return false;
	*bytes = (uint64_t)value;
	return true;
}

bool parse_number(long *value, const char *text, long low, long high)
{
	char *end;
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*value = strtol(text, &end, 10);
	return !errno && !*end && *value >= low && *value <= high;
}

bool parse_positive(double *value, const char *text)
{
	return plain_decimal(value, &text) && !*text && *value > 0 && *value < 1e9;
}

static bool status_number(int *value, const char **at)
{
	int v = 0;
	const char *p = *at;
	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		v = v * 10 + (*p - '0');
		if (v > 255)
			return false;
	}
	*at = p;
	*value = v;
	return true;
}

bool parse_exit_set(struct exit_set *set, const char *text)
{
	const char *p = text;
	memset(set, 0, sizeof *set);
	if (strcmp(text, "any") == 0) {
		memset(set, 0xff, sizeof *set);
		return true;
	}
	for (;;) {
		int from, to;
		if (!status_number(&from, &p))
			return false;
		to = from;
		if (*p == '-' && (p++, !status_number(&to, &p)))
			return false;
		if (to < from)
			return false;
		for (int i = from; i <= to; i++)
			set->bits[i / 64] |= UINT64_C(1) << (i % 64);
		if (!*p)
			return true;
		if (*p++ != ',')
			return false;
	}
}

bool exit_set_has(const struct exit_set *set, int status)
{
	return status >= 0 && status < 256 && (set->bits[status / 64] >> (status % 64) & 1);
}
