/* System calls of the shim's own: not through the C library, whose functions it stands
 * in front of itself. They return what the kernel does, a negative error, and leave
 * errno alone. */
#ifndef DPC_SHIM_RAW_H
#define DPC_SHIM_RAW_H

#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static inline long raw_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	                 : "rcx", "r11", "memory");
	return result;
}

static inline long raw_pid(void)
{
	return raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static inline long raw_open(int dir, const char *path, int flags)
{
	return raw_call(SYS_openat, dir, (long)path, flags, 0, 0, 0);
}

static inline void raw_close(long fd)
{
	raw_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

static inline long raw_read_at(long fd, void *data, unsigned long size, unsigned long offset)
{
	return raw_call(SYS_pread64, fd, (long)data, (long)size, (long)offset, 0, 0);
}

/* To read and write; NULL: it cannot be had. */
static inline void *raw_map(size_t size, int flags, long fd)
{
	long at = raw_call(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, flags, fd, 0);
	/* The kernel returns errors as the last page of addresses. */
	return (unsigned long)at >= -4096UL ? NULL : (void *)at;
}

static inline long raw_access(int dir, const char *path, int mode)
{
	return raw_call(SYS_faccessat, dir, (long)path, mode, 0, 0, 0);
}

static inline long raw_readlink(const char *path, char *text, unsigned long size)
{
	return raw_call(SYS_readlink, (long)path, (long)text, (long)size, 0, 0, 0);
}

#endif
