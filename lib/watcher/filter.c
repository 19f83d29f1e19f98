#include "watcher/filter.h"

#include "watcher/call.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { X32 = 0x40000000 };

static void put(struct filter *f, unsigned code, unsigned yes, unsigned no, uint32_t k)
{
	f->code[f->size++] = (struct sock_filter){(uint16_t)code, (uint8_t)yes, (uint8_t)no, k};
}

static void load(struct filter *f, size_t offset)
{
	put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* Skip so many instructions if what is loaded is k, else so many. */
static void equal(struct filter *f, uint32_t k, unsigned yes, unsigned no)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, yes, no, k);
}

static void any_bit(struct filter *f, uint32_t bits, unsigned yes, unsigned no)
{
	put(f, BPF_JMP | BPF_JSET | BPF_K, yes, no, bits);
}

static void notify(struct filter *f)
{
	put(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF);
}

static void allow(struct filter *f)
{
	put(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
}

static size_t argument(int i)
{
	return offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (size_t)i;
}

/* Notify this call only if some of these bits of an argument are set. */
static void only_with(struct filter *f, int number, int i, uint64_t bits)
{
	equal(f, (uint32_t)number, 0, 6);
	load(f, argument(i));
	any_bit(f, (uint32_t)bits, 2, 0);
	load(f, argument(i) + sizeof(uint32_t));
	any_bit(f, (uint32_t)(bits >> 32), 0, 1);
	notify(f);
	allow(f);
}

/* glibc asks for 8 random bytes before the first malloc, whatever the program. */
static void except_for_malloc(struct filter *f)
{
	enum { NONBLOCK = 1 };
	equal(f, SYS_getrandom, 0, 6);
	load(f, argument(1));
	equal(f, 8, 0, 2);
	load(f, argument(2));
	equal(f, NONBLOCK, 1, 0);
	notify(f);
	allow(f);
}

static void other_architectures(struct filter *f)
{
	load(f, offsetof(struct seccomp_data, arch));
	equal(f, AUDIT_ARCH_X86_64, 1, 0);
	notify(f);
	load(f, offsetof(struct seccomp_data, nr));
	put(f, BPF_JMP | BPF_JGE | BPF_K, 0, 3, X32);
	/* No call at all: a tracer's way to skip one. */
	equal(f, UINT32_MAX, 1, 0);
	notify(f);
	allow(f);
}

void filter_build(struct filter *f)
{
	f->size = 0;
	other_architectures(f);
	only_with(f, SYS_clone, 0, CALL_NAMESPACES);
	only_with(f, SYS_sendto, 4, UINT64_MAX);
	except_for_malloc(f);
	for (int i = 0; i < call_end(); i++)
		if (call_find(i)) {
			equal(f, (uint32_t)i, 0, 1);
			notify(f);
		}
	allow(f);
}

static int install(const struct sock_fprog *program, unsigned flags)
{
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags,
	                    program);
}

/* A signal must not break off a call that we have heard of: programs do not expect
 * that of these calls. Kernels before 5.19 know no way. */
static int install_uninterrupted(const struct sock_fprog *program)
{
	int listener = install(program, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	if (listener < 0 && errno == EINVAL)
		listener = install(program, 0);
	return listener;
}

int filter_install(void)
{
	struct filter f;
	filter_build(&f);
	struct sock_fprog program = {.len = f.size, .filter = f.code};
	int listener = install_uninterrupted(&program);
	if (listener < 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		listener = install_uninterrupted(&program);
	return listener;
}
