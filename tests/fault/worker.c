/* worker DIRECTORY KEY: the command that is tortured.
 *
 * Writes to DIRECTORY/log, one record in one write (times are CLOCK_MONOTONIC, ns):
 *   S id key pid parent grandparent time   it has begun
 *   O id pid time                          it found the process pid at work for its key
 *   E id time                              it has printed everything
 * and prints what said.h says.
 *
 * One run at a time is what it watches over by itself: it holds a lock of its
 * own on DIRECTORY/live-KEY for as long as its process lives. A POSIX lock,
 * since that one tells who has it. */
#include "proc.h"
#include "said.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static int log_fd;
static enum said_kind kind;
static uint64_t id;

static void fail(const char *what)
{
	perror(what);
	_exit(99);
}

static long long now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void nap(int64_t ns)
{
	struct timespec t = {ns / 1000000000, ns % 1000000000};
	nanosleep(&t, NULL);
}

static int open_in(const char *directory, const char *name, int flags)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	int fd = open(path, flags | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		fail(path);
	return fd;
}

static void record(const char *text, int size)
{
	if (write(log_fd, text, (size_t)size) != size)
		fail("log");
}

static void begin(void)
{
	char text[160];
	pid_t parent = getppid();
	/* Between the caller and us there may be one more process. */
	pid_t grandparent = parent_of(parent);
	record(text, snprintf(text, sizeof text, "S %016llx %s %d %d %d %lld\n", (unsigned long long)id,
	                      said_names[kind], getpid(), parent, grandparent, now_ns()));
}

static void watch_over_key(const char *directory)
{
	char name[64], text[160];
	struct flock mine = {.l_type = F_WRLCK, .l_whence = SEEK_SET}, other = mine;
	snprintf(name, sizeof name, "live-%s", said_names[kind]);
	int fd = open_in(directory, name, O_RDWR);
	if (fcntl(fd, F_SETLK, &mine) == 0)
		return;
	if (fcntl(fd, F_GETLK, &other) == 0 && other.l_type != F_UNLCK)
		record(text, snprintf(text, sizeof text, "O %016llx %ld %lld\n", (unsigned long long)id,
		                      (long)other.l_pid, now_ns()));
	while (fcntl(fd, F_SETLKW, &mine) < 0 && errno == EINTR)
		;
}

static size_t print_some(int stream, const char *all, size_t size, size_t done, uint64_t *dice)
{
	size_t some = 1 + said_random(dice) % 16384;
	if (some > size - done)
		some = size - done;
	/* Less than all of it is written when we are stopped in the middle. */
	ssize_t n = some ? write(stream + 1, all + done, some) : 0;
	if (n < 0)
		fail("print");
	return done + (size_t)n;
}

/* Both streams, in pieces, in turns. */
static void print(void)
{
	char *all[SAID_STREAMS];
	size_t size[SAID_STREAMS], done[SAID_STREAMS] = {0};
	uint64_t dice = id;
	for (int i = 0; i < SAID_STREAMS; i++) {
		size[i] = said_size(id, kind, i);
		all[i] = malloc(size[i]);
		if (!all[i])
			fail("memory");
		said_fill(all[i], size[i], id, kind, i);
	}
	while (done[0] < size[0] || done[1] < size[1]) {
		int i = (int)(said_random(&dice) % SAID_STREAMS);
		done[i] = print_some(i, all[i], size[i], done[i], &dice);
		if (said_random(&dice) % 8 == 0)
			nap(said_nap(id, kind) / 8);
	}
}

int main(int argc, char **argv)
{
	char text[80];
	int k = argc == 3 ? said_kind_of(argv[2]) : -1;
	if (k < 0 || getrandom(&id, sizeof id, 0) != sizeof id)
		fail("usage: worker DIRECTORY KEY");
	kind = (enum said_kind)k;
	log_fd = open_in(argv[1], "log", O_WRONLY | O_APPEND);
	begin();
	if (kind != SAID_OVER)
		watch_over_key(argv[1]);
	nap(said_nap(id, kind) / 2);
	print();
	nap(said_nap(id, kind) / 2);
	record(text, snprintf(text, sizeof text, "E %016llx %lld\n", (unsigned long long)id, now_ns()));
	return said_status(id, kind);
}
