#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* From linux/kcmp.h, which musl-gcc does not see. */
enum { KCMP_FILE_TYPE = 0 };

static int wait_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	return poll(&p, 1, -1) < 0 && errno != EINTR ? -1 : 0;
}

int os_write_all(int fd, const void *data, size_t size)
{
	const char *p = data;
	while (size) {
		ssize_t n = write(fd, p, size);
		if (n < 0 && errno == EAGAIN) {
			if (wait_writable(fd) < 0)
				return -1;
		} else if (n < 0 && errno != EINTR) {
			return -1;
		} else if (n > 0) {
			p += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

int os_pwrite_all(int fd, const void *data, size_t size, off_t offset)
{
	const char *p = data;
	while (size) {
		ssize_t n = pwrite(fd, p, size, offset);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			p += n;
			size -= (size_t)n;
			offset += n;
		}
	}
	return 0;
}

ssize_t os_read_full(int fd, void *data, size_t size)
{
	size_t have = 0;
	while (have < size) {
		ssize_t n = read(fd, (char *)data + have, size - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

ssize_t os_pread_full(int fd, void *data, size_t size, off_t offset)
{
	size_t have = 0;
	while (have < size) {
		ssize_t n = pread(fd, (char *)data + have, size - have, offset + (off_t)have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

static ssize_t copy_by_hand(int to, off_t to_at, int from, off_t from_at, size_t size)
{
	char chunk[65536];
	ssize_t n = os_pread_full(from, chunk, size < sizeof chunk ? size : sizeof chunk, from_at);
	return n > 0 && os_pwrite_all(to, chunk, (size_t)n, to_at) < 0 ? -1 : n;
}

int64_t os_copy(int to, off_t to_at, int from, off_t from_at, uint64_t size)
{
	bool by_hand = false;
	uint64_t done = 0;
	while (done < size) {
		size_t want = size - done < (1u << 30) ? (size_t)(size - done) : 1u << 30;
		ssize_t n = by_hand ? copy_by_hand(to, to_at, from, from_at, want)
		                    : copy_file_range(from, &from_at, to, &to_at, want, 0);
		if (n == 0)
			break;
		if (n < 0 && by_hand)
			return -1;
		/* Whatever it was (another file system, an old kernel, a full disk), the plain
		 * way either can or says why not. */
		if (n < 0) {
			by_hand = errno != EINTR;
			continue;
		}
		if (by_hand) {
			from_at += n;
			to_at += n;
		}
		done += (uint64_t)n;
	}
	return (int64_t)done;
}

int os_raise_fd(int fd)
{
	if (fd < 0 || fd >= OS_FD_FLOOR)
		return fd;
	int high = fcntl(fd, F_DUPFD_CLOEXEC, OS_FD_FLOOR);
	int saved = errno;
	close(fd);
	errno = saved;
	return high;
}

int os_openat_high(int dirfd, const char *path, int flags, mode_t mode)
{
	return os_raise_fd(openat(dirfd, path, flags | O_CLOEXEC, mode));
}

bool os_fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

unsigned os_fill_standard_fds(void)
{
	/* poll tells of all three at once: a hit counts its system calls. */
	struct pollfd p[3] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};
	unsigned closed = 0;
	if (poll(p, 3, 0) == 0)
		return 0;
	for (int fd = 0; fd <= 2; fd++) {
		if (!(p[fd].revents & POLLNVAL))
			continue;
		closed |= 1u << fd;
		/* The lowest free descriptor is fd itself: those below are open. */
		if (open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			break;
	}
	return closed;
}

void os_hold_write_signals(struct write_signals *before)
{
	before->pipe = signal(SIGPIPE, SIG_IGN);
	before->size = signal(SIGXFSZ, SIG_IGN);
}

void os_return_write_signals(const struct write_signals *before)
{
	signal(SIGPIPE, before->pipe);
	signal(SIGXFSZ, before->size);
}

int os_random(void *data, size_t size)
{
	char *p = data;
	while (size) {
		ssize_t n = getrandom(p, size, 0);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			p += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

const char *os_remote_fs_name_of_magic(uint32_t magic)
{
	/* Numbers from statfs(2). */
	static const struct {
		uint32_t magic;
		const char *name;
	} remote[] = {
	    {0x6969, "NFS"},       {0xff534d42, "CIFS"},  {0xfe534d42, "SMB2"},
	    {0x517b, "SMB"},       {0x01021997, "9p"},    {0x65735546, "FUSE"},
	    {0x00c36400, "Ceph"},  {0x5346414f, "AFS"},   {0x73757245, "Coda"},
	    {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"},
	};
	for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
		if (remote[i].magic == magic)
			return remote[i].name;
	return NULL;
}

const char *os_remote_fs_name(int fd)
{
	struct statfs s;
	if (fstatfs(fd, &s) < 0)
		return NULL;
	return os_remote_fs_name_of_magic((uint32_t)s.f_type);
}

bool os_path_names(int dirfd, const char *path, int fd)
{
	struct stat mine, named;
	return fstat(fd, &mine) == 0 && fstatat(dirfd, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

bool os_same_open_file(int a, int b)
{
	struct stat sa, sb;
	if (fstat(a, &sa) < 0 || fstat(b, &sb) < 0)
		return false;
	if (sa.st_dev != sb.st_dev || sa.st_ino != sb.st_ino)
		return false;
	/* A terminal, pipe or socket has one order however often it was opened. A
	 * regular file opened twice has two offsets: ask the kernel, and where it
	 * will not say, take the usual `>file 2>&1`. */
	if (!S_ISREG(sa.st_mode))
		return true;
	pid_t me = getpid();
	return syscall(SYS_kcmp, me, me, KCMP_FILE_TYPE, a, b) <= 0;
}
