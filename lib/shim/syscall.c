/* syscall(3): system calls by number. Those that look at files go the way of the
 * functions that we stand in front of anyway; the others are passed on by a jump, as
 * some return on another stack.
 *
 * They differ from the kernel's in one thing, that they set errno, as syscall does. */
#include "find.h"
#include "log.h"
#include "looking.h"
#include "moving.h"
#include "net.h"
#include "opening.h"
#include "outfit.h"
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

/* The kernel's struct open_how, whose header musl-gcc does not see. */
struct how {
	uint64_t flags, mode, resolve;
};

struct call {
	long number, a, b, c, d, e, f;
};

typedef long call_function(long number, long a, long b, long c, long d, long e, long f);

static long pass(const struct call *s)
{
	call_function *real = (call_function *)real_function(REAL_syscall);
	return real(s->number, s->a, s->b, s->c, s->d, s->e, s->f);
}

static const char *text(long address)
{
	return (const char *)address;
}

static long do_open(const struct call *s, int dir, const char *path, int flags)
{
	bool fresh = opening_is_fresh(dir, path, flags);
	long fd = pass(s);
	opening_log(dir, path, flags, fresh, fd);
	return fd;
}

static long do_path(const struct call *s, enum wire_kind kind, unsigned detail, int dir, long path)
{
	long rc = pass(s);
	log_path(kind, detail, dir, text(path), rc);
	return rc;
}

static long do_readlink(const struct call *s, int dir, long path, long size)
{
	long n = pass(s);
	looking_log_link(dir, text(path), (size_t)size, n);
	return n;
}

static long do_rename(const struct call *s, int from_dir, long from, int to_dir, long to)
{
	long rc = pass(s);
	moving_log_rename(from_dir, text(from), to_dir, text(to), (int)rc);
	return rc;
}

static long do_fd(const struct call *s, enum wire_kind kind, int fd)
{
	long rc = pass(s);
	log_fd(kind, 0, fd, rc);
	return rc;
}

static long do_word(const struct call *s, const char *why)
{
	log_word(WIRE_UNCACHEABLE, why);
	return pass(s);
}

static unsigned look_of(long flags)
{
	return flags & AT_SYMLINK_NOFOLLOW ? WIRE_LOOK_NOFOLLOW : 0;
}

static long looked(const struct call *s)
{
	switch (s->number) {
	case SYS_stat:
		return do_path(s, WIRE_STAT, 0, AT_FDCWD, s->a);
	case SYS_lstat:
		return do_path(s, WIRE_STAT, WIRE_LOOK_NOFOLLOW, AT_FDCWD, s->a);
	case SYS_newfstatat:
		return do_path(s, WIRE_STAT, look_of(s->d), (int)s->a, s->b);
	case SYS_statx:
		return do_path(s, WIRE_STAT, look_of(s->c), (int)s->a, s->b);
	case SYS_statfs:
		return do_path(s, WIRE_STAT, 0, AT_FDCWD, s->a);
	case SYS_access:
		return do_path(s, WIRE_ACCESS, 0, AT_FDCWD, s->a);
	case SYS_faccessat:
	case SYS_faccessat2:
		return do_path(s, WIRE_ACCESS, 0, (int)s->a, s->b);
	case SYS_readlink:
		return do_readlink(s, AT_FDCWD, s->a, s->c);
	case SYS_readlinkat:
		return do_readlink(s, (int)s->a, s->b, s->d);
	default:
		return do_fd(s, WIRE_LIST, (int)s->a); /* getdents */
	}
}

static long changed(const struct call *s)
{
	switch (s->number) {
	case SYS_mkdir:
	case SYS_mknod:
		return do_path(s, WIRE_MAKE, 0, AT_FDCWD, s->a);
	case SYS_mkdirat:
	case SYS_mknodat:
		return do_path(s, WIRE_MAKE, 0, (int)s->a, s->b);
	case SYS_symlink:
		return do_path(s, WIRE_MAKE, WIRE_MAKE_LINK, AT_FDCWD, s->b);
	case SYS_symlinkat:
		return do_path(s, WIRE_MAKE, WIRE_MAKE_LINK, (int)s->b, s->c);
	case SYS_unlink:
	case SYS_rmdir:
		return do_path(s, WIRE_REMOVE, 0, AT_FDCWD, s->a);
	case SYS_unlinkat:
		return do_path(s, WIRE_REMOVE, 0, (int)s->a, s->b);
	case SYS_rename:
		return do_rename(s, AT_FDCWD, s->a, AT_FDCWD, s->b);
	case SYS_renameat:
	case SYS_renameat2:
		return do_rename(s, (int)s->a, s->b, (int)s->c, s->d);
	case SYS_truncate:
	case SYS_chmod:
		return do_path(s, WIRE_CHANGE, 0, AT_FDCWD, s->a);
	default:
		return do_path(s, WIRE_CHANGE, 0, (int)s->a, s->b); /* fchmodat, utimensat... */
	}
}

static long opened(const struct call *s)
{
	const struct how *how = (const struct how *)s->c;
	switch (s->number) {
	case SYS_open:
		return do_open(s, AT_FDCWD, text(s->a), (int)s->b);
	case SYS_creat:
		return do_open(s, AT_FDCWD, text(s->a), O_CREAT | O_WRONLY | O_TRUNC);
	case SYS_openat:
		return do_open(s, (int)s->a, text(s->b), (int)s->c);
	default: /* openat2, which may also bend what the path means */
		return how->resolve ? do_word(s, "used a file that has no name")
		                    : do_open(s, (int)s->a, text(s->b), (int)how->flags);
	}
}

static long executed(const struct call *s)
{
	char *const *argv = (char *const *)(s->number == SYS_execve ? s->b : s->c);
	char *const *envp = (char *const *)(s->number == SYS_execve ? s->c : s->d);
	if (s->number == SYS_execve)
		return execve(text(s->a), argv, envp);
	if (s->e == 0 && s->a == AT_FDCWD)
		return execve(text(s->b), argv, envp);
	if (s->e == AT_EMPTY_PATH && s->b && !*text(s->b))
		return fexecve((int)s->a, argv, envp);
	return do_word(s, "started a program in a way that is not followed");
}

static long noted(const struct call *s)
{
	switch (s->number) {
	case SYS_getrandom:
		log_note(WIRE_SAW_RANDOM);
		break;
	case SYS_getpid:
		log_note(WIRE_SAW_PID);
		break;
	default:
		log_note(WIRE_SAW_TIME);
	}
	return pass(s);
}

static long socketed(const struct call *s)
{
	long rc = pass(s);
	if (s->number == SYS_bind)
		net_log_bind((const struct sockaddr *)s->b, (socklen_t)s->c, (int)rc);
	else if (s->number == SYS_connect)
		net_log_connect((const struct sockaddr *)s->b, (socklen_t)s->c, (int)rc);
	else
		net_log_connect((const struct sockaddr *)s->e, (socklen_t)s->f, (int)rc);
	return rc;
}

static long outside(const struct call *s)
{
	long rc = do_word(s, "changed the file systems that it sees");
	place_moved();
	outfit_none();
	return rc;
}

/* Sorted by what is to be done; NULL: nothing. */
static long (*handler_of(long number))(const struct call *)
{
	switch (number) {
	case SYS_open:
	case SYS_openat:
	case SYS_creat:
	case SYS_openat2:
		return opened;
	case SYS_stat:
	case SYS_lstat:
	case SYS_newfstatat:
	case SYS_statx:
	case SYS_statfs:
	case SYS_access:
	case SYS_faccessat:
	case SYS_faccessat2:
	case SYS_readlink:
	case SYS_readlinkat:
	case SYS_getdents:
	case SYS_getdents64:
		return looked;
	case SYS_mkdir:
	case SYS_mkdirat:
	case SYS_mknod:
	case SYS_mknodat:
	case SYS_symlink:
	case SYS_symlinkat:
	case SYS_unlink:
	case SYS_unlinkat:
	case SYS_rmdir:
	case SYS_rename:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_truncate:
	case SYS_chmod:
	case SYS_fchmodat:
	case SYS_fchownat:
	case SYS_utimensat:
		return changed;
	case SYS_execve:
	case SYS_execveat:
		return executed;
	case SYS_time:
	case SYS_gettimeofday:
	case SYS_clock_gettime:
	case SYS_getrandom:
	case SYS_getpid:
		return noted;
	case SYS_connect:
	case SYS_bind:
	case SYS_sendto:
		return socketed;
	case SYS_chroot:
	case SYS_mount:
	case SYS_umount2:
	case SYS_pivot_root:
	case SYS_unshare:
	case SYS_setns:
	case SYS_link:
	case SYS_linkat:
	case SYS_io_uring_setup:
	case SYS_open_by_handle_at:
		return outside;
	default:
		return NULL;
	}
}

/* Declared with "...", where the arguments come in the same places. */
SHIM long shim_syscall(long number, long a, long b, long c, long d, long e, long f) __asm__("syscall");

SHIM long shim_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	long (*handle)(const struct call *) = handler_of(number);
	call_function *real = (call_function *)real_function(REAL_syscall);
	if (number == SYS_chdir || number == SYS_fchdir)
		place_moved();
	if (!handle || !log_on())
		return real(number, a, b, c, d, e, f);
	return handle(&(struct call){number, a, b, c, d, e, f});
}
