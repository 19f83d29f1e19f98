#include "place.h"

#include "raw.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

/* A longer one is asked for each time. */
enum { WORKING_MAX = 128 };

static atomic_bool moved;
static char working[WORKING_MAX];
/* Published once it is there: threads that come at once all write the same. */
static _Atomic size_t working_length;

void place_moved(void)
{
	atomic_store_explicit(&moved, true, memory_order_relaxed);
}

static char *append_number(char *end, unsigned number)
{
	if (number >= 10)
		end = append_number(end, number / 10);
	*end = (char)('0' + number % 10);
	return end + 1;
}

/* Length, 0: it has no absolute name (was removed, lies outside of the root). */
static size_t ask_working(char *room, size_t size)
{
	long n = raw_call(SYS_getcwd, (long)room, (long)size, 0, 0, 0, 0);
	return n > 1 && room[0] == '/' ? (size_t)n - 1 : 0;
}

static size_t ask_fd(char room[WIRE_PATH_MAX], int fd)
{
	char link[32] = "/proc/self/fd/";
	*append_number(link + strlen(link), (unsigned)fd) = 0;
	long n = raw_readlink(link, room, WIRE_PATH_MAX - 1);
	if (n <= 0 || room[0] != '/')
		return 0;
	room[n] = 0;
	return (size_t)n;
}

bool place_known(struct place *place)
{
	if (atomic_load_explicit(&moved, memory_order_relaxed))
		return false;
	place->text = working;
	place->length = atomic_load_explicit(&working_length, memory_order_acquire);
	if (!place->length) {
		place->length = ask_working(working, sizeof working);
		atomic_store_explicit(&working_length, place->length, memory_order_release);
	}
	return place->length;
}

bool place_of(struct place *place, int dir, char room[WIRE_PATH_MAX])
{
	place->text = room;
	place->length = dir == AT_FDCWD ? ask_working(room, WIRE_PATH_MAX) : ask_fd(room, dir);
	return place->length;
}
