#include "lastrun.h"

#include "buf.h"
#include "os.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENOUGH = 256 << 10 }; /* bytes of the log's end */

static void read_end(struct buf *out, const char *path)
{
	struct stat st;
	/* It may be a pipe, which is not ours to read. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		size_t size = st.st_size < ENOUGH ? (size_t)st.st_size : ENOUGH;
		uint8_t *to = buf_reserve(out, size + 1);
		ssize_t n = to ? os_pread_full(fd, to, size, st.st_size - (off_t)size) : -1;
		out->size = n > 0 ? (size_t)n : 0;
	}
	close(fd);
}

/* A run's line: all others only tell what was made of its result. */
static bool is_run_of(const char *line, const char *key)
{
	return strstr(line, key) &&
	       (strstr(line, "\"status\":\"miss\"") || strstr(line, "\"status\":\"refresh\""));
}

static bool take_reason(char out[LASTRUN_TEXT], const char *line)
{
	static const char member[] = "\"reason\":\"", prefix[] = "not remembered";
	const char *at = strstr(line, member);
	if (!at || strncmp(at + sizeof member - 1, prefix, sizeof prefix - 1) != 0)
		return false;
	at += sizeof member - 1;
	const char *end = at;
	while (*end && *end != '"')
		end += *end == '\\' && end[1] ? 2 : 1;
	snprintf(out, LASTRUN_TEXT, "%.*s", (int)(end - at), at);
	return true;
}

bool lastrun_why_not_remembered(char out[LASTRUN_TEXT], const char *path, const struct digest *key)
{
	char hex[DIGEST_HEX], member[DIGEST_HEX + 16];
	struct buf log = {0};
	const char *last = NULL;
	if (path)
		read_end(&log, path);
	buf_u8(&log, '\0');
	digest_hex(hex, key);
	snprintf(member, sizeof member, "\"key\":\"%s\"", hex);
	char *save = NULL, *line = log.failed ? NULL : strtok_r((char *)log.data, "\n", &save);
	for (; line; line = strtok_r(NULL, "\n", &save))
		if (is_run_of(line, member))
			last = line;
	bool told = last && take_reason(out, last);
	buf_release(&log);
	return told;
}
