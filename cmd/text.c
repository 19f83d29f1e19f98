#include "text.h"

#include "utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *text_duration(char out[TEXT_SHORT], int64_t ns)
{
	static const struct {
		long long seconds;
		char name, part_name;
		long long part;
	} units[] = {{86400, 'd', 'h', 3600}, {3600, 'h', 'm', 60}, {60, 'm', 's', 1}};
	long long s = (long long)(ns / 1000000000);
	if (ns < 0) {
		snprintf(out, TEXT_SHORT, "-");
	} else if (ns == INT64_MAX) {
		snprintf(out, TEXT_SHORT, "forever");
	} else if (s < 10) {
		snprintf(out, TEXT_SHORT, "%lldms", (long long)(ns / 1000000));
	} else if (s < 60) {
		snprintf(out, TEXT_SHORT, "%llds", s);
	} else {
		int i = s >= units[0].seconds ? 0 : s >= units[1].seconds ? 1 : 2;
		snprintf(out, TEXT_SHORT, "%lld%c%lld%c", s / units[i].seconds, units[i].name,
		         s % units[i].seconds / units[i].part, units[i].part_name);
	}
	return out;
}

const char *text_size(char out[TEXT_SHORT], uint64_t bytes)
{
	static const char units[] = "kMGTP";
	double v = (double)bytes;
	int i = -1;
	while (v >= 1000 && units[i + 1]) {
		v /= 1024;
		i++;
	}
	if (i < 0)
		snprintf(out, TEXT_SHORT, "%llu", (unsigned long long)bytes);
	else
		snprintf(out, TEXT_SHORT, v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[i]);
	return out;
}

const char *text_line(char *out, size_t size, const void *data, size_t data_size)
{
	const uint8_t *p = data, *end = data_size ? p + data_size : p;
	size_t n = 0;
	while (p < end) {
		size_t length = utf8_length(p, (size_t)(end - p));
		bool control = *p < 0x20 || *p == 0x7f || (*p == 0xc2 && length == 2 && p[1] < 0xa0);
		size_t shown = length && !control ? length : 1;
		if (n + shown >= size)
			break;
		if (length && !control)
			memcpy(out + n, p, length);
		else
			out[n] = '?';
		n += shown;
		p += length ? length : 1;
	}
	out[n] = '\0';
	return out;
}
