#include "state.h"

#include "clock.h"
#include "os.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t ASK_AFTER = INT64_C(10) * 1000000;

static int64_t coarse_ns(void)
{
	struct timespec t = {0, 0};
	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return clock_ns(t);
}

void state_view_release(struct state_view *v)
{
	if (v->fd >= 0)
		close(v->fd);
	if (v->turn)
		munmap(v->turn, sizeof *v->turn);
	*v = STATE_VIEW_NONE;
}

/* Made where it is missing: who replaces a sheet looks for it then, and once more afterwards. */
static void map_turn(struct state_view *v, int home_fd)
{
	struct stat st;
	void *map = MAP_FAILED;
	int fd = openat(home_fd, STATE_TURN, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && (st.st_size >= (off_t)sizeof *v->turn || ftruncate(fd, sizeof *v->turn) == 0))
		map = mmap(NULL, sizeof *v->turn, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	v->turn = map == MAP_FAILED ? NULL : map;
}

/* The number first: a sheet that is replaced after that changes it once more. */
static bool file_holds(struct state_view *v)
{
	struct stat st;
	uint64_t number = v->turn ? atomic_load(v->turn) : 1;
	if (v->fd < 0 || fstat(v->fd, &st) < 0 || !st.st_nlink || st.st_ctim.tv_sec != v->changed.tv_sec ||
	    st.st_ctim.tv_nsec != v->changed.tv_nsec)
		return false;
	v->seen = number;
	v->asked = coarse_ns();
	return true;
}

bool state_view_holds(struct state_view *v)
{
	if (v->turn && !(v->seen & 1) && atomic_load(v->turn) == v->seen) {
		int64_t since = coarse_ns() - v->asked;
		if (since >= 0 && since < ASK_AFTER)
			return true;
	}
	return file_holds(v);
}

int state_view_read(struct state *s, struct state_view *v, int home_fd, dpc_error *err)
{
	struct stat st;
	state_view_release(v);
	map_turn(v, home_fd);
	/* Opened before it is read: were another put in its place in between, this one would
	 * have no name left, and would not hold. */
	v->seen = 1;
	v->fd = os_openat_high(home_fd, STATE_NAME, O_RDONLY | O_NOFOLLOW, 0);
	if (v->fd >= 0 && fstat(v->fd, &st) == 0)
		v->changed = st.st_ctim;
	int rc = state_read(s, home_fd, err);
	if (rc != DPC_OK)
		state_view_release(v);
	return rc;
}
