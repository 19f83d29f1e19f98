#include "plugin.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

const bool plugin_loads = true;

static _Atomic(const struct store_ops *) loaded[ENGINE_COUNT];

/* If this line of /proc/self/maps is about the file that `address` lies in: its path. */
static const char *path_in_map(char *line, uintptr_t address)
{
	unsigned long from, to;
	int at = 0;
	if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &from, &to, &at) < 2 || address < from || address >= to)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line[at] == '/' ? line + at : NULL;
}

/* Of the file that this code lies in, with a slash behind it. Not by dladdr: what it
 * tells may be relative to where the process once was, or what its caller called it. */
static bool own_directory(char out[PATH_MAX])
{
	char line[PATH_MAX + 128];
	const char *path = NULL;
	FILE *maps = fopen("/proc/self/maps", "re");
	while (maps && !path && fgets(line, sizeof line, maps))
		path = path_in_map(line, (uintptr_t)plugin_load);
	if (maps)
		fclose(maps);
	else
		/* Without /proc, in a bare chroot, the path that the program was started by has to do. */
		path = (const char *)getauxval(AT_EXECFN); // NOLINT(performance-no-int-to-ptr)
	return path && *path == '/' &&
	       snprintf(out, PATH_MAX, "%.*s", (int)(strrchr(path, '/') + 1 - path), path) < PATH_MAX;
}

static bool find_object(char out[PATH_MAX], const char *object)
{
	static const char *const places[] = {"", "../libexec/dpcache/"};
	char directory[PATH_MAX];
	if (!own_directory(directory))
		return false;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		int n = snprintf(out, PATH_MAX, "%s%sdpcache-store-%s.so", directory, places[i], object);
		if (n < PATH_MAX && access(out, F_OK) == 0)
			return true;
	}
	return false;
}

static bool is_ours(const struct store_plugin *p)
{
	static const uint32_t sizes[] = STORE_PLUGIN_SIZES;
	return p && p->abi == STORE_PLUGIN_ABI && memcmp(p->sizes, sizes, sizeof sizes) == 0;
}

int plugin_load(const struct store_ops **out, enum engine engine, dpc_error *err)
{
	char path[PATH_MAX];
	*out = atomic_load(&loaded[engine]);
	if (*out)
		return DPC_OK;
	if (!find_object(path, engine_names[engine].object))
		return dpc__fail(err, DPC_E_NOTFOUND, "the store %s: has no object", engine_names[engine].scheme);
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		return dpc__fail(err, DPC_E_IO, "the store %s: cannot be loaded: %s", engine_names[engine].scheme, dlerror());
	const struct store_plugin *plugin = dlsym(object, "dpcache_store");
	if (!is_ours(plugin)) {
		dlclose(object);
		return dpc__fail(err, DPC_E_VERSION, "the store %s: %s is of another version of dpcache; install both anew",
		                 engine_names[engine].scheme, path);
	}
	*out = plugin->ops;
	atomic_store(&loaded[engine], plugin->ops);
	return DPC_OK;
}
