/* syscall(3): system calls by number. Those that look at files go the way of the
 * functions that we stand in front of anyway; the others are passed on by a jump, as
 * some return on another stack.
 *
 * They differ from the kernel's in one thing, that they set errno, as syscall does. */
#include "confine.h"
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

static long confined(const struct call *s)
{
	if (s->number == SYS_prctl)
		confine_by_prctl((int)s->a, s->b, s->c);
	else
		confine_by_seccomp(s->a, s->c);
	return pass(s);
}

/* What is to be done with a call. By number, and not by address: those would have to be
 * relocated at the start of every program. */
enum handling { PASSED_ON, OPENED, LOOKED, CHANGED, EXECUTED, NOTED, SOCKETED, OUTSIDE, CONFINED };

static const uint8_t handlings[] = {
    [SYS_open] = OPENED,
    [SYS_openat] = OPENED,
    [SYS_creat] = OPENED,
    [SYS_openat2] = OPENED,
    [SYS_stat] = LOOKED,
    [SYS_lstat] = LOOKED,
    [SYS_newfstatat] = LOOKED,
    [SYS_statx] = LOOKED,
    [SYS_statfs] = LOOKED,
    [SYS_access] = LOOKED,
    [SYS_faccessat] = LOOKED,
    [SYS_faccessat2] = LOOKED,
    [SYS_readlink] = LOOKED,
    [SYS_readlinkat] = LOOKED,
    [SYS_getdents] = LOOKED,
    [SYS_getdents64] = LOOKED,
    [SYS_mkdir] = CHANGED,
    [SYS_mkdirat] = CHANGED,
    [SYS_mknod] = CHANGED,
    [SYS_mknodat] = CHANGED,
    [SYS_symlink] = CHANGED,
    [SYS_symlinkat] = CHANGED,
    [SYS_unlink] = CHANGED,
    [SYS_unlinkat] = CHANGED,
    [SYS_rmdir] = CHANGED,
    [SYS_rename] = CHANGED,
    [SYS_renameat] = CHANGED,
    [SYS_renameat2] = CHANGED,
    [SYS_truncate] = CHANGED,
    [SYS_chmod] = CHANGED,
    [SYS_fchmodat] = CHANGED,
    [SYS_fchownat] = CHANGED,
    [SYS_utimensat] = CHANGED,
    [SYS_execve] = EXECUTED,
    [SYS_execveat] = EXECUTED,
    [SYS_time] = NOTED,
    [SYS_gettimeofday] = NOTED,
    [SYS_clock_gettime] = NOTED,
    [SYS_getrandom] = NOTED,
    [SYS_getpid] = NOTED,
    [SYS_connect] = SOCKETED,
    [SYS_bind] = SOCKETED,
    [SYS_sendto] = SOCKETED,
    [SYS_chroot] = OUTSIDE,
    [SYS_mount] = OUTSIDE,
    [SYS_umount2] = OUTSIDE,
    [SYS_pivot_root] = OUTSIDE,
    [SYS_unshare] = OUTSIDE,
    [SYS_setns] = OUTSIDE,
    [SYS_link] = OUTSIDE,
    [SYS_linkat] = OUTSIDE,
    [SYS_io_uring_setup] = OUTSIDE,
    [SYS_open_by_handle_at] = OUTSIDE,
    [SYS_prctl] = CONFINED,
    [SYS_seccomp] = CONFINED,
};

static long handle(enum handling how, const struct call *s)
{
	switch (how) {
	case OPENED:
		return opened(s);
	case LOOKED:
		return looked(s);
	case CHANGED:
		return changed(s);
	case EXECUTED:
		return executed(s);
	case NOTED:
		return noted(s);
	case SOCKETED:
		return socketed(s);
	case OUTSIDE:
		return outside(s);
	case CONFINED:
		return confined(s);
	default:
		return -1;
	}
}

/* Declared with "...", where the arguments come in the same places. */
SHIM long shim_syscall(long number, long a, long b, long c, long d, long e, long f) __asm__("syscall");

SHIM long shim_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	bool known = number >= 0 && (unsigned long)number < sizeof handlings;
	enum handling how = known ? (enum handling)handlings[number] : PASSED_ON;
	call_function *real = (call_function *)real_function(REAL_syscall);
	if (number == SYS_chdir || number == SYS_fchdir)
		place_moved();
	if (how == PASSED_ON || !log_on())
		return real(number, a, b, c, d, e, f);
	return handle(how, &(struct call){number, a, b, c, d, e, f});
}
