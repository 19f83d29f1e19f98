/* dpcache locks: the runs at work. */
#include "cmd.h"

#include "atwork.h"
#include "place.h"
#include "text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { L_JSON = 1, L_STORE };

const struct opt locks_opts[] = {
    {"json", 0, NULL, "print a JSON array", L_JSON},
    {"store", 0, "URL", ENGINE_URLS, L_STORE},
    {NULL, 0, NULL, NULL, 0},
};

struct runs {
	struct atwork *run;
	size_t count, capacity;
	bool failed;
};

/* --- finding them --- */

static bool add(struct runs *all, const struct atwork *r)
{
	if (all->count == all->capacity) {
		size_t capacity = all->capacity ? 2 * all->capacity : 16;
		struct atwork *grown = realloc(all->run, capacity * sizeof *grown);
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
	struct atwork r = {.pid = 0};
	struct digest key;
	/* A run without a lock has a file of another name: nobody can wait for it. */
	if (strlen(name) != DIGEST_HEX - 1 || !digest_from_hex(&key, name))
		return;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (!atwork_look(&r, fd) || !add(all, &r))
		atwork_release(&r);
	close(fd);
}

static int first_started(const void *a, const void *b)
{
	int64_t x = ((const struct atwork *)a)->capsule.started, y = ((const struct atwork *)b)->capsule.started;
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
		atwork_release(&all->run[i]);
	free(all->run);
}

/* --- printing them --- */

/* Until its end, going by how long it took the last time. */
static const char *left_in_words(char out[TEXT_SHORT], const struct atwork *r)
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
		const struct atwork *r = &all->run[i];
		char hex[DIGEST_HEX], age[TEXT_SHORT], left[TEXT_SHORT], waiters[TEXT_SHORT] = "-", command[256];
		digest_hex(hex, &r->capsule.key);
		if (r->waiters >= 0)
			snprintf(waiters, sizeof waiters, "%d", r->waiters);
		printf("%s %7ld %8s %8s %5s  %s\n", hex, (long)r->pid, text_duration(age, r->age),
		       left_in_words(left, r), waiters, text_line(command, sizeof command, r->label.data, r->label.size));
	}
}

static void print_json(const struct runs *all)
{
	struct buf b = {0};
	for (size_t i = 0; i < all->count; i++) {
		buf_put(&b, i ? ",\n" : "[\n", 2);
		atwork_json(&b, &all->run[i]);
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
