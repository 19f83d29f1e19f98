/* The front's allocator. The front lives for one question and ends, so nothing
 * is given back: memory is handed out front to back from a block that is part
 * of the program. The C library's own would cost four system calls and five
 * page faults at its first use, a tenth of a whole hit. */
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { BLOCK = 65536, ALIGNMENT = 16 };

static _Alignas(ALIGNMENT) unsigned char block[BLOCK];
static size_t used;

/* In front of each piece, its size: realloc has to know what to copy. */
struct piece {
	_Alignas(ALIGNMENT) size_t size;
};

static void *from_kernel(size_t size)
{
	struct piece *p = mmap(NULL, size + sizeof *p, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		errno = ENOMEM;
		return NULL;
	}
	p->size = size;
	return p + 1;
}

void *malloc(size_t size)
{
	if (size > PTRDIFF_MAX - 4096) {
		errno = ENOMEM;
		return NULL;
	}
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (size > BLOCK - used || sizeof(struct piece) > BLOCK - used - size)
		return from_kernel(size);
	struct piece *p = (struct piece *)(block + used);
	used += sizeof *p + size;
	p->size = size;
	return p + 1;
}

void *calloc(size_t count, size_t size)
{
	/* The block and fresh mappings are zero, and nothing is used twice. */
	size_t total;
	if (__builtin_mul_overflow(count, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return malloc(total);
}

void *realloc(void *old, size_t size)
{
	if (!old)
		return malloc(size);
	struct piece *p = (struct piece *)old - 1;
	if (p->size >= size)
		return old;
	void *grown = malloc(size);
	if (grown)
		memcpy(grown, old, p->size);
	return grown;
}

void free(void *memory)
{
	(void)memory;
}
