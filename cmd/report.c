#include "report.h"

#include "json.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void say(const char *format, va_list args)
{
	char line[1024] = "dpcache: ";
	size_t n = strlen(line);
	vsnprintf(line + n, sizeof line - n - 1, format, args);
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	strcat(line, "\n");
	/* One write, so that lines of many processes do not mix. */
	(void)os_write_all(2, line, strlen(line));
}

void report_warning(const char *format, ...)
{
	static bool told;
	va_list args;
	if (told)
		return;
	told = true;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void report_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

static void put_decision(struct buf *b, const struct run_options *o, const struct decision *d, bool full)
{
	char key[DIGEST_HEX] = "";
	struct buf label = {0};
	if (d->ask && d->ask->has_key)
		digest_hex(key, &d->ask->key);
	else if (d->answer)
		digest_hex(key, &d->answer->capsule.key);
	buf_u8(b, '{');
	if (full)
		json_seconds(b, "time", clock_wall_ns());
	json_text(b, "status", d->status);
	json_text(b, "key", *key ? key : NULL);
	json_seconds(b, "age", d->age);
	json_seconds(b, "saved", d->saved);
	if (d->exit_status >= 0)
		json_int(b, "exit", d->exit_status);
	else
		json_text(b, "exit", NULL);
	json_text(b, "reason", d->reason);
	if (full) {
		label_of(&label, &o->question);
		json_bytes(b, "command", (struct slice){label.data, label.size});
		json_int(b, "pid", getpid());
	}
	buf_put(b, "}\n", 2);
	b->failed |= label.failed;
	buf_release(&label);
}

static void append_line(const char *path, int flags, const struct buf *line)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
	if (fd < 0 || os_write_all(fd, line->data, line->size) < 0)
		report_warning("cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void speak(const struct decision *d)
{
	char line[256];
	snprintf(line, sizeof line, "%s%s%s", d->status, d->reason ? ": " : "", d->reason ? d->reason : "");
	if (d->answer)
		report_error("%s, age %.3f s, saved %.3f s", line, (double)d->age / 1e9, (double)d->saved / 1e9);
	else
		report_error("%s", line);
}

void report_decision(const struct run_options *o, const struct decision *d)
{
	struct buf line = {0};
	if (o->verbose)
		speak(d);
	if (o->status_fd >= 0 || o->status_file) {
		put_decision(&line, o, d, false);
		if (o->status_fd >= 0 && !line.failed)
			(void)os_write_all(o->status_fd, line.data, line.size);
		if (o->status_file && !line.failed)
			append_line(o->status_file, O_TRUNC, &line);
	}
	if (o->log_file) {
		line.size = 0;
		put_decision(&line, o, d, true);
		if (!line.failed)
			append_line(o->log_file, O_APPEND, &line);
	}
	buf_release(&line);
}

int report_exec_failure(const struct run_options *o, int error)
{
	const char *name = o->question.argv[0];
	if (error == ENOENT) {
		report_error("%s: command not found", name);
		return 127;
	}
	report_error("%s: %s", name, strerror(error));
	return 126;
}
