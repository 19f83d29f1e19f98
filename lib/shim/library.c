#include "library.h"

#include "executable.h"
#include "log.h"
#include "objects.h"
#include "platform.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* LD_LIBRARY_PATH as it was at the start: the dynamic linker takes no later one, and a
 * program may write its title over its environment. */
static const char *search = "";

static void read_search(void)
{
	static const char variable[] = "LD_LIBRARY_PATH=";
	for (char **entry = platform_environment(); *entry; entry++) {
		if (strncmp(*entry, variable, sizeof variable - 1) != 0)
			continue;
		const char *value = *entry + sizeof variable - 1;
		size_t size = strlen(value) + 1;
		char *copy = size <= WIRE_PATH_MAX ? raw_map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1) : NULL;
		if (copy)
			search = memcpy(copy, value, size);
		else
			log_word(WIRE_UNCACHEABLE, "had a library path too long to follow");
	}
}

/* dir/file in `path`; false: too long. An empty directory is the working one. */
static bool join(char path[WIRE_PATH_MAX], const char *dir, size_t dir_size, const char *file)
{
	size_t size = strlen(file) + 1;
	if (dir_size + 1 + size > WIRE_PATH_MAX)
		return false;
	memcpy(path, dir, dir_size);
	if (dir_size)
		path[dir_size++] = '/';
	memcpy(path + dir_size, file, size);
	return true;
}

/* `file` was sought along the path first; in vain, up to where it was loaded from. A
 * better file of its name put into one of those directories is another program. */
static void log_vain(const char *file, const char *loaded)
{
	char path[WIRE_PATH_MAX];
	for (const char *dir = search; *search; dir++) {
		size_t size = strcspn(dir, ":;");
		if (join(path, dir, size, "glibc-hwcaps"))
			log_read_by_rule(path);
		if (join(path, dir, size, file)) {
			if (loaded && strcmp(path, loaded) == 0)
				return;
			log_read_by_rule(path);
		}
		dir += size;
		if (!*dir)
			return;
	}
}

void library_log_absent(const char *name)
{
	static const char usual[][32] = {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib",
	                                 "/usr/lib"};
	char path[WIRE_PATH_MAX];
	log_vain(name, NULL);
	log_read_by_rule("/etc/ld.so.cache");
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (join(path, usual[i], strlen(usual[i]), name))
			log_read_by_rule(path);
}

/* The kernel's own has no file. */
static void log_object(const char *name)
{
	if (!strchr(name, '/'))
		return;
	log_path(WIRE_LIBRARY, 0, AT_FDCWD, name, 0);
	log_vain(strrchr(name, '/') + 1, name);
}

/* Does the program have its environment at hand whole? Then what it looks up in there
 * is not known. */
static void log_environment(void)
{
	if (objects_see_environment())
		executable_log(WIRE_ENVIRONMENT);
}

/* A directory of an object's own search path, "$ORIGIN" being the object's. */
static void log_path_dir(const char *object, const char *dir, size_t size)
{
	static const char origins[][12] = {"$ORIGIN", "${ORIGIN}"};
	char path[WIRE_PATH_MAX];
	size_t used = 0;
	for (size_t i = 0; i < sizeof origins / sizeof *origins && !used; i++) {
		size_t n = strlen(origins[i]);
		if (size < n || strncmp(dir, origins[i], n) != 0)
			continue;
		used = (size_t)(strrchr(object, '/') - object);
		memcpy(path, object, used);
		dir += n;
		size -= n;
	}
	if (!size && !used)
		return;
	/* $LIB, $PLATFORM: the dynamic linker's own idea. */
	if (strcspn(dir, "$:") < size)
		log_word(WIRE_UNCACHEABLE, "ran a program with a library path that cannot be followed");
	if (used + size >= sizeof path)
		size = sizeof path - used - 1;
	memcpy(path + used, dir, size);
	path[used + size] = 0;
	log_outcome(WIRE_LIST, 0, AT_FDCWD, path, (int)-raw_access(AT_FDCWD, path, R_OK));
}

/* Which of its directories has which library is a matter of their names: rather those
 * are recorded than each library in each. */
static __attribute__((noinline)) void log_path_dirs(const struct link_map *map, const char *dir)
{
	char object[WIRE_PATH_MAX];
	size_t length = strnlen(map->l_name, sizeof object - 1);
	memcpy(object, map->l_name, length);
	object[length] = 0;
	/* The program itself has no name here. */
	if (!length)
		executable_ask(object);
	while (dir && strchr(object, '/')) {
		size_t size = strcspn(dir, ":");
		log_path_dir(object, dir, size);
		dir = dir[size] ? dir + size + 1 : NULL;
	}
}

/* Few objects have a path, and it takes a large frame. */
static void log_own_path(const struct link_map *map)
{
	const char *path = objects_path(map);
	if (path)
		log_path_dirs(map, path);
}

/* The last of those that were there at the start. */
static struct link_map *first_ones;

void library_begin(void)
{
	struct link_map *self = objects_self();
	read_search();
	for (struct link_map *map = platform_objects(); map; map = map->l_next) {
		first_ones = map;
		if (map == self)
			continue;
		log_object(map->l_name);
		log_own_path(map);
	}
	log_environment();
}

/* The first object's turn sees to all: their list is what the lock is for. What came
 * later may have sought others along a path of its own. */
static int sweep_all(struct dl_phdr_info *info, size_t size, void *self)
{
	bool late = false;
	(void)info, (void)size;
	for (struct link_map *map = platform_objects(); map; map = map->l_next) {
		if (map != self)
			log_object(map->l_name);
		if (late)
			log_own_path(map);
		late |= map == first_ones;
	}
	return 1;
}

/* Others may be loading libraries at this moment: with the dynamic linker's lock. */
void library_sweep(void)
{
	if (!log_on())
		return;
	int saved = errno;
	dl_iterate_phdr(sweep_all, objects_self());
	log_environment();
	errno = saved;
}

static atomic_bool due;

void library_sweep_later(void)
{
	atomic_store_explicit(&due, true, memory_order_relaxed);
}

void library_sweep_now(void)
{
	if (atomic_load_explicit(&due, memory_order_relaxed))
		library_sweep();
}
