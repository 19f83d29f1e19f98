#include "waitline.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const int64_t SECOND = 1000000000;
static const char ERASE[] = "\r\033[K";

/* What does not fit is cut. */
__attribute__((format(printf, 2, 3))) static void add(char out[WAITLINE_SIZE], const char *format, ...)
{
	size_t n = strlen(out);
	va_list args;
	va_start(args, format);
	vsnprintf(out + n, WAITLINE_SIZE - n, format, args);
	va_end(args);
}

static void add_duration(char out[WAITLINE_SIZE], int64_t ns)
{
	long long s = ns / SECOND;
	if (s < 1)
		add(out, "under 1 s");
	else if (s < 60)
		add(out, "%lld s", s);
	else if (s < 3600)
		add(out, "%lld min %lld s", s / 60, s % 60);
	else
		add(out, "%lld h %lld min", s / 3600, s % 3600 / 60);
}

/* What stands in front of the next fact. */
static const char *joint(bool *first)
{
	const char *text = *first ? " (" : ", ";
	*first = false;
	return text;
}

void waitline_text(char out[WAITLINE_SIZE], const struct waitline_facts *f)
{
	bool first = true;
	*out = '\0';
	add(out, "dpcache: waiting for ");
	if (f->pid)
		add(out, "pid %lu", (unsigned long)f->pid);
	else
		add(out, "another's run");
	if (f->running >= 0) {
		add(out, "%srunning ", joint(&first));
		add_duration(out, f->running);
	}
	if (f->usually > 0) {
		add(out, "%susually ", joint(&first));
		add_duration(out, f->usually);
	}
	if (f->waiting > 1)
		add(out, "%s%u waiting", joint(&first), f->waiting);
	add(out, "%s", first ? "" : ")");
}

void waitline_init(struct waitline *w, int fd)
{
	*w = (struct waitline){.fd = isatty(fd) ? fd : -1};
}

/* A job in the background keeps quiet; it might even be stopped for writing. */
static bool is_ours(int fd)
{
	pid_t foreground = tcgetpgrp(fd);
	return foreground < 0 || foreground == getpgrp();
}

/* A line that wraps could not be written over. */
static void cut_to_width(char *text, int fd)
{
	struct winsize size;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col && strlen(text) >= size.ws_col)
		text[size.ws_col - 1] = '\0';
}

static void put(int fd, const char *text)
{
	ssize_t n = write(fd, text, strlen(text));
	(void)n;
}

void waitline_show(struct waitline *w, const struct waitline_facts *f)
{
	char text[WAITLINE_SIZE], line[WAITLINE_SIZE + sizeof ERASE];
	if (w->fd < 0 || !is_ours(w->fd))
		return;
	waitline_text(text, f);
	cut_to_width(text, w->fd);
	if (strcmp(text, w->shown) == 0)
		return;
	memcpy(w->shown, text, sizeof w->shown);
	snprintf(line, sizeof line, "%s%s", ERASE, text);
	put(w->fd, line);
}

void waitline_erase(struct waitline *w)
{
	if (!*w->shown)
		return;
	put(w->fd, ERASE);
	*w->shown = '\0';
}
