#include "proclocks.h"

#include "buf.h"
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The longest line there is has some 100 bytes; mountinfo's may be longer, but
 * we want their beginning only. */
enum { LINE = 256 };

/* --- words and numbers --- */

/* A word's end is a space or the string's end. */
static struct slice next_word(const char **at)
{
	const char *p = *at + strspn(*at, " \t");
	size_t n = strcspn(p, " \t");
	*at = p + n;
	return (struct slice){(const uint8_t *)p, n};
}

static bool is_word(struct slice word, const char *text)
{
	return word.size == strlen(text) && memcmp(word.data, text, word.size) == 0;
}

/* Take digits from the front; false when there is none. */
static bool take_number(uint64_t *n, struct slice *s, unsigned base)
{
	static const char digits[] = "0123456789abcdef";
	size_t before = s->size;
	*n = 0;
	for (; s->size; s->data++, s->size--) {
		const char *digit = memchr(digits, *s->data, base);
		if (!digit)
			break;
		*n = *n * base + (uint64_t)(digit - digits);
	}
	return s->size < before;
}

static bool take_colon(struct slice *s)
{
	if (!s->size || *s->data != ':')
		return false;
	s->data++;
	s->size--;
	return true;
}

/* "08:02" in base 16, "8:2" in base 10. */
static bool take_device(dev_t *dev, struct slice *s, unsigned base)
{
	uint64_t high, low;
	if (!take_number(&high, s, base) || !take_colon(s) || !take_number(&low, s, base))
		return false;
	*dev = makedev((unsigned)high, (unsigned)low);
	return true;
}

static bool take_file(struct proclocks_file *f, struct slice s)
{
	uint64_t ino;
	if (!take_device(&f->dev, &s, 16) || !take_colon(&s) || !take_number(&ino, &s, 10))
		return false;
	f->ino = (ino_t)ino;
	return true;
}

/* --- /proc/locks --- */

/* An announcement waits, and tells its process in place of the kernel. */
static void read_announcement(struct proclock *l, struct slice start)
{
	uint64_t at;
	/* Process ids end far below. */
	if (!take_number(&at, &start, 10) || at < PROCLOCKS_ANNOUNCED || at > PROCLOCKS_ANNOUNCED + INT32_MAX)
		return;
	l->kind = PROCLOCK_ANNOUNCEMENT;
	l->waiting = true;
	l->pid = (pid_t)(at - PROCLOCKS_ANNOUNCED);
}

/* "12: -> FLOCK  ADVISORY  WRITE 1234 fd:00:5678 0 EOF", the arrow for those
 * who wait. False for a line that has no file, or is none at all. */
static bool parse(struct proclock *l, const char *line)
{
	enum { KIND, MODE, ACCESS, PID, FILE_NAMED, START, WORDS };
	struct slice word[WORDS];
	uint64_t pid;
	next_word(&line);
	const char *rest = line;
	bool arrow = is_word(next_word(&rest), "->");
	if (arrow)
		line = rest;
	for (int i = 0; i < WORDS; i++)
		word[i] = next_word(&line);
	*l = (struct proclock){.waiting = arrow, .write = is_word(word[ACCESS], "WRITE")};
	l->kind = is_word(word[KIND], "FLOCK") ? PROCLOCK_FLOCK : PROCLOCK_OTHER;
	l->pid = take_number(&pid, &word[PID], 10) ? (pid_t)pid : 0;
	if (is_word(word[KIND], "OFDLCK") && !l->write && !arrow)
		read_announcement(l, word[START]);
	return take_file(&l->file, word[FILE_NAMED]);
}

int proclocks_each(proclocks_fn *visit, void *context)
{
	struct lines lines;
	struct proclock l;
	char line[LINE];
	if (lines_open(&lines, "/proc/locks", '\n') < 0)
		return -1;
	bool more = true;
	while (more && lines_next(&lines, line, sizeof line))
		if (parse(&l, line))
			more = visit(context, &l);
	lines_close(&lines);
	return lines.reads > 1;
}

/* --- a file's name there --- */

/* "pos:	0", "flags:	02", "mnt_id:	29", "ino:	123"; ino since Linux 5.14. */
static bool read_fdinfo(uint64_t *mount, ino_t *ino, int fd)
{
	struct lines lines;
	char line[LINE], path[64];
	uint64_t n;
	bool found = false;
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	if (lines_open(&lines, path, '\n') < 0)
		return false;
	while (lines_next(&lines, line, sizeof line)) {
		const char *at = line;
		struct slice name = next_word(&at), value = next_word(&at);
		if (is_word(name, "mnt_id:"))
			found = take_number(mount, &value, 10);
		else if (is_word(name, "ino:") && take_number(&n, &value, 10))
			*ino = (ino_t)n;
	}
	lines_close(&lines);
	return found;
}

/* "29 1 254:0 / / rw …": a mount, its parent, its device. */
static bool device_of_mount(dev_t *dev, uint64_t mount)
{
	struct lines lines;
	char line[LINE];
	uint64_t id;
	bool found = false;
	if (lines_open(&lines, "/proc/self/mountinfo", '\n') < 0)
		return false;
	while (!found && lines_next(&lines, line, sizeof line)) {
		const char *at = line;
		struct slice name = next_word(&at);
		next_word(&at);
		struct slice device = next_word(&at);
		found = take_number(&id, &name, 10) && id == mount && take_device(dev, &device, 10);
	}
	lines_close(&lines);
	return found;
}

int proclocks_locate(struct proclocks_file *file, int fd)
{
	struct stat st;
	uint64_t mount;
	if (fstat(fd, &st) < 0)
		return -1;
	*file = (struct proclocks_file){st.st_dev, st.st_ino};
	/* A file system on no device of its own may tell stat one number for each of
	 * its volumes (btrfs) or layers (overlay), and the kernel's list another. */
	if (major(st.st_dev) == 0 && read_fdinfo(&mount, &file->ino, fd))
		return device_of_mount(&file->dev, mount) ? 0 : -1;
	return 0;
}

bool proclocks_same(const struct proclocks_file *a, const struct proclocks_file *b)
{
	return a->ino == b->ino && a->dev == b->dev;
}

/* --- one file's --- */

struct census {
	struct proclocks_file file;
	int waiters;
	pid_t holder;
};

static bool count(void *context, const struct proclock *l)
{
	struct census *c = context;
	if (l->kind == PROCLOCK_OTHER || !proclocks_same(&l->file, &c->file))
		return true;
	if (l->waiting)
		c->waiters++;
	else if (l->write && l->pid > 0)
		c->holder = l->pid;
	return true;
}

static bool take_census(struct census *c, int fd)
{
	enum { TRIES = 8 };
	struct census last;
	int pieces = 1;
	*c = (struct census){.waiters = -1};
	if (proclocks_locate(&c->file, fd) < 0)
		return false;
	for (int i = 0; i < TRIES && pieces > 0; i++) {
		last = *c;
		c->waiters = 0;
		c->holder = 0;
		pieces = proclocks_each(count, c);
		if (c->waiters == last.waiters && c->holder == last.holder)
			break;
	}
	return pieces >= 0;
}

int proclocks_waiters(int fd)
{
	struct census c;
	return take_census(&c, fd) ? c.waiters : -1;
}

pid_t proclocks_holder(int fd)
{
	struct census c;
	return take_census(&c, fd) ? c.holder : 0;
}

static void set_announcement(int fd, short type)
{
	struct flock l = {
	    .l_type = type, .l_whence = SEEK_SET, .l_start = PROCLOCKS_ANNOUNCED + getpid(), .l_len = 1};
	while (fcntl(fd, F_OFD_SETLK, &l) < 0 && errno == EINTR)
		;
}

void proclocks_announce(int fd)
{
	set_announcement(fd, F_RDLCK);
}

void proclocks_withdraw(int fd)
{
	set_announcement(fd, F_UNLCK);
}
