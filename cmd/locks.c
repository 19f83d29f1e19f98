/* dpcache locks: the runs at work. */
#include "cmd.h"

#include "capsule.h"
#include "clock.h"
#include "json.h"
#include "lock.h"
#include "os.h"
#include "place.h"
#include "proclocks.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { L_JSON = 1, L_STORE };

const struct opt locks_opts[] = {
    {"json", 0, NULL, "print a JSON array", L_JSON},
    {"store", 0, "URL", "sqlite:[DIRECTORY]", L_STORE},
    {NULL, 0, NULL, NULL, 0},
};

struct run {
	struct capsule capsule;
	struct buf meta;    /* owns the label */
	struct slice label;
	pid_t pid;
	int waiters;        /* -1: cannot be told */
	int64_t age;        /* ns */
};

struct runs {
	struct run *run;
	size_t count, capacity;
	bool failed;
};

/* --- finding them --- */

/* The kernel's list first: a lock taken to find out, be it for a moment, stands
 * in the way of who comes to lead. */
static bool is_held(int fd, pid_t *holder)
{
	*holder = proclocks_holder(fd);
	if (*holder > 0)
		return true;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}

/* What its leader wrote at the start. Nothing yet, or an end, is no run. */
static bool read_run(struct run *r, int fd)
{
	uint8_t head[CAPSULE_HEAD];
	struct capsule_meta meta;
	ssize_t n = os_pread_full(fd, head, sizeof head, 0);
	if (n < 0 || capsule_decode_head(&r->capsule, head, (size_t)n, NULL) != DPC_OK ||
	    r->capsule.state != CAPSULE_BUILDING)
		return false;
	size_t size = (size_t)r->capsule.meta_size;
	uint8_t *to = buf_reserve(&r->meta, size);
	if (!to || os_pread_full(fd, to, size, CAPSULE_HEAD) != (ssize_t)size ||
	    capsule_decode_meta(&meta, &r->capsule, (struct slice){to, size}, NULL) != DPC_OK)
		return false;
	r->label = meta.label;
	return true;
}

static bool look_at(struct run *r, int fd)
{
	pid_t holder;
	if (!is_held(fd, &holder) || !read_run(r, fd))
		return false;
	r->pid = holder > 0 ? holder : (pid_t)r->capsule.pid;
	r->waiters = proclocks_waiters(fd);
	r->age = clock_wall_ns() - r->capsule.started;
	if (r->age < 0)
		r->age = 0;
	return true;
}

static bool add(struct runs *all, const struct run *r)
{
	if (all->count == all->capacity) {
		size_t capacity = all->capacity ? 2 * all->capacity : 16;
		struct run *grown = realloc(all->run, capacity * sizeof *grown);
		all->failed |= !grown;
		if (!grown)
			return false;
		all->run = grown;
		all->capacity = capacity;
	}
	all->run[all->count++] = *r;
	return true;
}

static void add_if_at_work(struct runs *all, int dir, const char *name)
{
	struct run r = {.pid = 0};
	struct digest key;
	/* A run without a lock has a file of another name: nobody can wait for it. */
	if (strlen(name) != DIGEST_HEX - 1 || !digest_from_hex(&key, name))
		return;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (!look_at(&r, fd) || !add(all, &r))
		buf_release(&r.meta);
	close(fd);
}

static int first_started(const void *a, const void *b)
{
	int64_t x = ((const struct run *)a)->capsule.started, y = ((const struct run *)b)->capsule.started;
	return (x > y) - (x < y);
}

static int find_runs(struct runs *all, const struct home *h, dpc_error *err)
{
	struct dirent *e;
	int rc = home_check_locks(h, err);
	if (rc != DPC_OK)
		return rc;
	int fd = openat(h->fd, "locks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (e = readdir(dir)))
		add_if_at_work(all, fd, e->d_name);
	if (dir)
		closedir(dir);
	if (all->failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	if (all->count)
		qsort(all->run, all->count, sizeof *all->run, first_started);
	return DPC_OK;
}

static void release(struct runs *all)
{
	for (size_t i = 0; i < all->count; i++)
		buf_release(&all->run[i].meta);
	free(all->run);
}

/* --- printing them --- */

/* Until its end, going by how long it took the last time. */
static const char *left_in_words(char out[TEXT_SHORT], const struct run *r)
{
	if (!r->capsule.cost)
		return "-";
	return r->age > r->capsule.cost ? "overdue" : text_duration(out, r->capsule.cost - r->age);
}

static void print_text(const struct runs *all)
{
	if (all->count)
		printf("%-32s %7s %8s %8s %5s  %s\n", "KEY", "PID", "AGE", "LEFT", "WAIT", "COMMAND");
	for (size_t i = 0; i < all->count; i++) {
		const struct run *r = &all->run[i];
		char hex[DIGEST_HEX], age[TEXT_SHORT], left[TEXT_SHORT], waiters[TEXT_SHORT] = "-", command[256];
		digest_hex(hex, &r->capsule.key);
		if (r->waiters >= 0)
			snprintf(waiters, sizeof waiters, "%d", r->waiters);
		printf("%s %7ld %8s %8s %5s  %s\n", hex, (long)r->pid, text_duration(age, r->age),
		       left_in_words(left, r), waiters, text_line(command, sizeof command, r->label.data, r->label.size));
	}
}

static void run_json(struct buf *b, const struct run *r)
{
	char hex[DIGEST_HEX];
	int64_t cost = r->capsule.cost;
	digest_hex(hex, &r->capsule.key);
	buf_u8(b, '{');
	json_text(b, "key", hex);
	json_bytes(b, "command", r->label);
	json_int(b, "pid", r->pid);
	json_seconds(b, "started", r->capsule.started);
	json_seconds(b, "age", r->age);
	json_seconds(b, "left", cost ? cost - r->age : DPC_FOREVER);
	if (r->waiters >= 0)
		json_int(b, "waiters", r->waiters);
	else
		json_text(b, "waiters", NULL);
	buf_u8(b, '}');
}

static void print_json(const struct runs *all)
{
	struct buf b = {0};
	for (size_t i = 0; i < all->count; i++) {
		buf_put(&b, i ? ",\n" : "[\n", 2);
		run_json(&b, &all->run[i]);
	}
	buf_put(&b, all->count ? "\n]\n" : "[]\n", 3);
	fwrite(b.data, 1, b.size, stdout);
	buf_release(&b);
}

int cmd_locks(const struct command *self, char **words)
{
	struct opt_parser parser = {.table = self->options, .argv = words};
	struct place p = {.home = {.fd = -1}};
	struct runs all = {.run = NULL};
	dpc_error err = {0};
	const char *store = NULL;
	bool json = false, help;
	const struct opt_slot slots[] = {{L_JSON, &json, NULL}, {L_STORE, NULL, &store}, {0}};
	int rc = opt_read(&parser, slots, &help, &err);
	if (rc == DPC_OK && help)
		return cmd_help(self);
	if (rc == DPC_OK)
		rc = opt_expect_end(&parser, &err);
	if (rc == DPC_OK)
		rc = place_open(&p, store, false, &err);
	if (rc == DPC_OK)
		rc = find_runs(&all, &p.home, &err);
	if (rc >= 0 && json)
		print_json(&all);
	else if (rc >= 0)
		print_text(&all);
	release(&all);
	place_close(&p);
	return rc < 0 ? place_fail(&err) : 0;
}
