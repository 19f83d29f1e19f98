#include "jobserver.h"

#include "buf.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What `word` says behind `option`; false when it is another word. */
static bool value_of(struct slice *value, struct slice word, const char *option)
{
	size_t n = strlen(option);
	if (word.size < n || memcmp(word.data, option, n) != 0)
		return false;
	*value = (struct slice){word.data + n, word.size - n};
	return true;
}

/* The last word that tells, up to the "--" behind which variables follow. */
static struct slice find_auth(const char *flags)
{
	struct slice auth = {NULL, 0};
	while (flags && *flags) {
		size_t n = strcspn(flags, " ");
		struct slice word = {(const uint8_t *)flags, n};
		if (n == 2 && memcmp(flags, "--", 2) == 0)
			break;
		if (!value_of(&auth, word, "--jobserver-auth="))
			(void)value_of(&auth, word, "--jobserver-fds=");
		flags += n + (flags[n] == ' ');
	}
	return auth;
}

/* "3,4" */
static bool parse_pair(struct jobserver *j, struct slice auth)
{
	int *to[] = {&j->in, &j->out};
	const uint8_t *p = auth.data, *end = p + auth.size;
	for (int i = 0; i < 2; i++) {
		const uint8_t *first = p;
		long n = 0;
		for (; p < end && *p >= '0' && *p <= '9' && n < INT_MAX / 10; p++)
			n = n * 10 + (*p - '0');
		if (p == first || (i == 0 ? p == end || *p++ != ',' : p != end))
			return false;
		*to[i] = (int)n;
	}
	return true;
}

/* Its access mode, O_RDONLY and so on; -1 when it is no pipe. */
static int pipe_access(int fd, struct stat *st)
{
	int flags = fcntl(fd, F_GETFL);
	return flags < 0 || fstat(fd, st) < 0 || !S_ISFIFO(st->st_mode) ? -1 : flags & O_ACCMODE;
}

static bool are_one_pipe(const struct jobserver *j)
{
	struct stat in, out;
	int reads = pipe_access(j->in, &in), writes = pipe_access(j->out, &out);
	return (reads == O_RDONLY || reads == O_RDWR) && (writes == O_WRONLY || writes == O_RDWR) &&
	       in.st_dev == out.st_dev && in.st_ino == out.st_ino;
}

static bool open_named(struct jobserver *j, struct slice name)
{
	char path[PATH_MAX];
	struct stat st;
	if (!name.size || name.size >= sizeof path)
		return false;
	memcpy(path, name.data, name.size);
	path[name.size] = '\0';
	/* For both: then it can be opened, and read, while nobody else has it open.
	 * What is no pipe is not opened at all: that alone may do something. */
	if (stat(path, &st) < 0 || !S_ISFIFO(st.st_mode))
		return false;
	j->in = j->out = os_openat_high(AT_FDCWD, path, O_RDWR | O_NONBLOCK, 0);
	j->ours = j->in >= 0;
	return j->ours && are_one_pipe(j);
}

static bool find(struct jobserver *j)
{
	struct slice auth = find_auth(getenv("MAKEFLAGS")), name;
	*j = (struct jobserver){.in = -1, .out = -1};
	if (!auth.size)
		return false;
	if (value_of(&name, auth, "fifo:"))
		return open_named(j, name);
	return parse_pair(j, auth) && are_one_pipe(j);
}

bool jobserver_has(int fd)
{
	struct jobserver j = {.in = -1, .out = -1};
	bool has = find(&j) && (fd == j.in || fd == j.out);
	if (j.ours)
		close(j.in);
	return has;
}

static void release(struct jobserver *j)
{
	if (j->ours)
		close(j->in);
	*j = (struct jobserver){.in = -1, .out = -1};
}

void jobserver_give(struct jobserver *j)
{
	ssize_t n = -1;
	if (find(j)) {
		/* make's own pipe blocks: look for room first. There is some as long as there
		 * are fewer than thousands of tokens. */
		struct pollfd p = {.fd = j->out, .events = POLLOUT};
		if (poll(&p, 1, 0) == 1 && p.revents & POLLOUT)
			do
				n = write(j->out, "+", 1);
			while (n < 0 && errno == EINTR);
	}
	j->given = n == 1;
	if (!j->given)
		release(j);
}

void jobserver_take(struct jobserver *j)
{
	char token;
	while (j->given) {
		ssize_t n = read(j->in, &token, 1);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = {.fd = j->in, .events = POLLIN};
			(void)poll(&p, 1, -1);
		} else if (n >= 0 || errno != EINTR) {
			/* Taken; or the pipe is broken, and nothing can be taken from it. */
			break;
		}
	}
	release(j);
}
