#include "chaos.h"

#include "history.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVENTS = 4096, EVENTS_SHOWN = 60, COMPLAINTS_SHOWN = 5 };

static const int64_t LATELY = INT64_C(1000000000);

static struct event {
	int64_t at;
	int kind;
	char text[120];
} events[EVENTS];
static size_t event_count;
static int64_t first;
static uint64_t dice_state;
static long complained;

int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

double seconds(int64_t ns)
{
	return ns ? (double)(ns - first) / 1e9 : 0;
}

void dice_seed(uint64_t seed)
{
	dice_state = seed;
	first = now_ns();
}

unsigned dice(unsigned sides)
{
	return (unsigned)(said_random(&dice_state) % sides);
}

bool one_in(unsigned n)
{
	return dice(n) == 0;
}

void die(const char *what)
{
	fprintf(stderr, "torture: %s: %s\n", what, strerror(errno));
	exit(2);
}

void *allocate(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size);
	if (!p)
		die("memory");
	return p;
}

void note(int kind, const char *format, ...)
{
	struct event *e = &events[event_count++ % EVENTS];
	va_list args;
	e->at = now_ns();
	e->kind = kind;
	va_start(args, format);
	vsnprintf(e->text, sizeof e->text, format, args);
	va_end(args);
}

static void show_events(int kind)
{
	const struct event *chosen[EVENTS_SHOWN];
	size_t n = 0, oldest = event_count > EVENTS ? event_count - EVENTS : 0;
	for (size_t i = event_count; i-- > oldest && n < EVENTS_SHOWN;) {
		const struct event *e = &events[i % EVENTS];
		if (e->kind < 0 || kind < 0 || e->kind == kind)
			chosen[n++] = e;
	}
	while (n-- > 0)
		fprintf(stderr, "    %.6f %s\n", seconds(chosen[n]->at), chosen[n]->text);
}

void complain(int kind, const char *format, ...)
{
	va_list args;
	int64_t now = now_ns();
	if (++complained > COMPLAINTS_SHOWN)
		return;
	fprintf(stderr, "VIOLATION at %.6f, key %s: ", seconds(now), kind < 0 ? "any" : said_names[kind]);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	show_events(kind);
	if (kind >= 0)
		history_print((enum said_kind)kind, now - LATELY);
}

long complaints(void)
{
	return complained;
}
