#include "library.h"

#include "executable.h"
#include "log.h"
#include "objects.h"
#include "platform.h"
#include "raw.h"
#include "told.h"

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

/* dir/file in `path`, where the directory may stand already; false: too long. An empty
 * directory is the working one. */
static bool join(char path[WIRE_PATH_MAX], const char *dir, size_t dir_size, const char *file)
{
	size_t size = strlen(file) + 1;
	if (dir_size + 1 + size > WIRE_PATH_MAX)
		return false;
	if (dir != path)
		memcpy(path, dir, dir_size);
	if (dir_size)
		path[dir_size++] = '/';
	memcpy(path + dir_size, file, size);
	return true;
}

/* Directories below each one of a path in which better libraries for this processor are
 * sought first; and, up to glibc 2.36, those of old: in each other, too, in this order. */
static const char better[][24] = {"glibc-hwcaps/x86-64-v4", "glibc-hwcaps/x86-64-v3",
                                  "glibc-hwcaps/x86-64-v2"};
static const char old[][12] = {"tls", "haswell", "xeon_phi", "avx512_1", "x86_64"};

enum { BETTER = sizeof better / sizeof *better, OLD = sizeof old / sizeof *old };

static bool is_there(const char *path)
{
	uint64_t rule = told_hash((const char *const[]){"absent", path, NULL});
	if (*path == '/' && told_before(rule))
		return false;
	long rc = raw_access(AT_FDCWD, path, F_OK);
	log_outcome(WIRE_ACCESS, 0, AT_FDCWD, path, (int)-rc);
	if (rc < 0)
		told_note(rule);
	return rc == 0;
}

/* A library that was sought in a directory. */
struct sought {
	char path[WIRE_PATH_MAX];
	const char *file, *loaded; /* its name; where it was found, or NULL */
};

/* Is that the one? */
static bool seek_here(struct sought *s, size_t size)
{
	if (!join(s->path, s->path, size, s->file))
		return false;
	if (s->loaded && strcmp(s->path, s->loaded) == 0)
		return true;
	log_read_by_rule(s->path);
	return false;
}

static bool seek_better(struct sought *s, size_t size)
{
	if (!join(s->path, s->path, size, "glibc-hwcaps") || !is_there(s->path))
		return false;
	for (size_t i = 0; i < BETTER; i++)
		if (join(s->path, s->path, size, better[i]) && seek_here(s, strlen(s->path)))
			return true;
	return false;
}

static bool seek_old(struct sought *s, size_t size, size_t from)
{
	for (size_t i = from; i < OLD; i++)
		if (join(s->path, s->path, size, old[i]) && is_there(s->path) &&
		    seek_old(s, size + (size > 0) + strlen(old[i]), i + 1))
			return true;
	return seek_here(s, size);
}

/* Apart, for its large frame. */
static __attribute__((noinline)) void seek_along(const char *path, const char *file, const char *loaded)
{
	struct sought s;
	s.file = file;
	s.loaded = loaded;
	for (size_t size;; path += size + 1) {
		size = strcspn(path, ":;");
		if (size < sizeof s.path) {
			memcpy(s.path, path, size);
			if (seek_better(&s, size) || seek_old(&s, size, 0))
				return;
		}
		if (!path[size])
			return;
	}
}

/* `file` was sought along the path first; in vain, up to where it was loaded from. A
 * better file of its name put into one of those directories is another program. */
static void log_vain(const char *file, const char *loaded)
{
	if (*search)
		seek_along(search, file, loaded);
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

static void log_list(const char *path)
{
	log_outcome(WIRE_LIST, 0, AT_FDCWD, path, (int)-raw_access(AT_FDCWD, path, R_OK));
}

/* Its names tell which of the others are there. */
static void log_names(char path[WIRE_PATH_MAX])
{
	size_t size = strlen(path);
	log_list(path);
	for (size_t i = 0; i < OLD; i++)
		if (join(path, path, size, old[i]) && raw_access(AT_FDCWD, path, F_OK) == 0)
			log_list(path);
	if (!join(path, path, size, "glibc-hwcaps") || raw_access(AT_FDCWD, path, F_OK) < 0)
		return;
	for (size_t i = 0; i < BETTER; i++)
		if (join(path, path, size, better[i]))
			log_list(path);
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
	log_names(path);
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
