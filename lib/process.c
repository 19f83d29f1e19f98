#include "process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/* On a page that the kernel empties for a child; NULL: it cannot. */
static _Atomic uint64_t *mark;
/* And in memory that a child inherits, so that it takes another. */
static _Atomic uint64_t last;

static void make_mark(void)
{
	void *page = mmap(NULL, sizeof *mark, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return;
	if (madvise(page, sizeof *mark, MADV_WIPEONFORK) == 0)
		mark = page;
	else
		munmap(page, sizeof *mark);
}

uint64_t process_number(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint64_t none = 0;
	pthread_once(&once, make_mark);
	if (!mark)
		return (uint64_t)getpid();
	if (!atomic_load(mark))
		atomic_compare_exchange_strong(mark, &none, atomic_fetch_add(&last, 1) + 1);
	return atomic_load(mark);
}
