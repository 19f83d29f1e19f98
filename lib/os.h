/* What the operating system needs to be asked twice for: whole reads and
 * writes, descriptors out of the command's way, file systems to keep off.
 * Leaf room: knows nothing of caching. */
#ifndef DPC_OS_H
#define DPC_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The lowest descriptor that dpcache keeps open while a command runs. make
 * 4.3 names jobserver descriptors 3 and 4 even where they are closed; ours
 * must never be found there. */
enum { OS_FD_FLOOR = 100 };

/* Write all of it, through EINTR and, for a non-blocking descriptor, EAGAIN.
 * 0, or -1 with errno. */
int os_write_all(int fd, const void *data, size_t size);
int os_pwrite_all(int fd, const void *data, size_t size, off_t offset);

/* Read up to `size`, short only at end of file. Count, or -1 with errno. */
ssize_t os_read_full(int fd, void *data, size_t size);
ssize_t os_pread_full(int fd, void *data, size_t size, off_t offset);

/* Copy up to `size` bytes from one place in a file to one in another, by the kernel
 * where it can, which shares blocks where the file system can. How many, short only
 * at the end of `from`; or -1 with errno. */
int64_t os_copy(int to, off_t to_at, int from, off_t from_at, uint64_t size);

/* Move `fd` to OS_FD_FLOOR or above, close-on-exec; closes the old one. The
 * new descriptor, or -1 with errno (the old one is closed then, too). */
int os_raise_fd(int fd);

/* openat with O_CLOEXEC, result raised out of the command's way. */
int os_openat_high(int dirfd, const char *path, int flags, mode_t mode);

/* True when the descriptor is open. */
bool os_fd_is_open(int fd);

/* Make sure 0, 1 and 2 are occupied, so that no file opened later can land
 * there: a closed one becomes /dev/null, until the next exec. Bit n of the
 * result is set when n was closed. */
unsigned os_fill_standard_fds(void);

/* The signals that a failing write raises. Held off, it fails with EPIPE or
 * EFBIG instead; a command of the user's gets them back as they were. */
struct write_signals {
	void (*pipe)(int);
	void (*size)(int);
};
void os_hold_write_signals(struct write_signals *before);
void os_return_write_signals(const struct write_signals *before);

/* Fill with unpredictable bytes. 0, or -1 with errno. */
int os_random(void *data, size_t size);

/* A file system where flock(2) may hang or mean nothing (NFS, CIFS, 9p,
 * FUSE...): its name, else NULL. To be asked before the first lock. */
const char *os_remote_fs_name(int fd);
const char *os_remote_fs_name_of_magic(uint32_t magic);

/* Does `path`, below dirfd, still name the very file that `fd` is? */
bool os_path_names(int dirfd, const char *path, int fd);

/* Do descriptors a and b lead to the same place, so that what is written to
 * both arrives in one order? */
bool os_same_open_file(int a, int b);

#endif
