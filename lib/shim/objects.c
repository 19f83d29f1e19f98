#include "objects.h"

#include "gnuhash.h"
#include "platform.h"

#include <string.h>

enum { VERSION_HIDDEN = 0x8000 };

/* What a dynamic section says. */
struct object {
	uintptr_t base;
	const ElfW(Sym) * symbols;
	const char *strings;
	const ElfW(Half) * versions;
	const uint32_t *hash;
};

/* glibc has relocated these addresses already, musl has not. */
static const void *address(const struct link_map *map, const ElfW(Dyn) * entry)
{
	uintptr_t value = entry->d_un.d_ptr;
	return (const void *)(value < map->l_addr ? value + map->l_addr : value);
}

static void read_object(struct object *o, const struct link_map *map)
{
	memset(o, 0, sizeof *o);
	o->base = map->l_addr;
	for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_SYMTAB)
			o->symbols = address(map, entry);
		else if (entry->d_tag == DT_STRTAB)
			o->strings = address(map, entry);
		else if (entry->d_tag == DT_VERSYM)
			o->versions = address(map, entry);
		else if (entry->d_tag == DT_GNU_HASH)
			o->hash = address(map, entry);
	}
}

static bool is_named(const struct object *o, uint32_t symbol, const char *name)
{
	const ElfW(Sym) *s = &o->symbols[symbol];
	return s->st_shndx != SHN_UNDEF && strcmp(o->strings + s->st_name, name) == 0;
}

/* Number of the symbol in the chain, 0: none. A default version goes before an old
 * one that is only kept for old programs. */
static uint32_t in_chain(const struct object *o, const uint32_t *chain, uint32_t symbol, uint32_t hash,
                         const char *name)
{
	uint32_t old = 0;
	for (;; symbol++, chain++) {
		if ((*chain | 1) == (hash | 1) && is_named(o, symbol, name)) {
			if (!o->versions || !(o->versions[symbol] & VERSION_HIDDEN))
				return symbol;
			old = symbol;
		}
		if (*chain & 1)
			return old;
	}
}

static uint32_t look_up(const struct object *o, const char *name, uint32_t hash)
{
	if (!o->hash || !o->symbols || !o->strings)
		return 0;
	uint32_t buckets = o->hash[0], first = o->hash[1], words = o->hash[2], shift = o->hash[3];
	const ElfW(Addr) *bloom = (const ElfW(Addr) *)(o->hash + 4);
	ElfW(Addr) word = bloom[hash / 64 % words];
	if (!(word >> hash % 64 & word >> (hash >> shift) % 64 & 1))
		return 0;
	const uint32_t *bucket = (const uint32_t *)(bloom + words);
	uint32_t symbol = bucket[hash % buckets];
	return symbol < first ? 0 : in_chain(o, bucket + buckets + symbol - first, symbol, hash, name);
}

struct link_map *objects_self(void)
{
	struct link_map *map = platform_objects();
	const ElfW(Dyn) *own = platform_own();
	while (map && map->l_ld != own)
		map = map->l_next;
	return map;
}

static void *function_at(const struct object *o, uint32_t symbol)
{
	void *found = (void *)(o->base + o->symbols[symbol].st_value);
	/* What the processor or the kernel offers decides which one it is: the
	 * symbol is of a function that chooses. */
	if (ELF64_ST_TYPE(o->symbols[symbol].st_info) == STT_GNU_IFUNC)
		return ((void *(*)(void))found)();
	return found;
}

void *objects_next(const char *name)
{
	uint32_t hash = gnuhash(name);
	struct link_map *self = objects_self();
	for (struct link_map *map = self ? self->l_next : NULL; map; map = map->l_next) {
		struct object o;
		read_object(&o, map);
		uint32_t symbol = look_up(&o, name, hash);
		if (symbol)
			return function_at(&o, symbol);
	}
	return NULL;
}

/* Does it use a variable of this name, its own or another's? Those of others, which it
 * does not define, come first in its table, before all that are hashed: a few dozen,
 * where there are thousands of relocations. */
static bool has_environ(const struct object *o)
{
	static const char names[][10] = {"environ", "_environ", "__environ"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (look_up(o, names[i], gnuhash(names[i])))
			return true;
	for (uint32_t symbol = 1; symbol < o->hash[1]; symbol++) {
		const char *name = o->strings + o->symbols[symbol].st_name;
		while (*name == '_')
			name++;
		if (*name == 'e' && strcmp(name, "environ") == 0)
			return true;
	}
	return false;
}

/* What the kernel gives to each process has no file, loads nothing, and knows of no
 * environment. The program itself has no name. */
static bool is_kernels(const struct link_map *map)
{
	return *map->l_name && !strchr(map->l_name, '/');
}

/* The C library and its dynamic linker: they look up what they document. */
static bool is_libc(const struct link_map *map)
{
	const char *slash = strrchr(map->l_name, '/');
	const char *base = slash ? slash + 1 : map->l_name;
	return strncmp(base, "libc.so", 7) == 0 || strncmp(base, "ld-", 3) == 0;
}

bool objects_see_environment(void)
{
	for (struct link_map *map = platform_objects(); map; map = map->l_next) {
		struct object o;
		if (map->l_ld == platform_own() || is_libc(map) || is_kernels(map))
			continue;
		read_object(&o, map);
		/* Of one without that kind of hash nothing is known. */
		if (!o.hash || !o.symbols || !o.strings || has_environ(&o))
			return true;
	}
	return false;
}

const char *objects_path(const struct link_map *map)
{
	const char *strings = NULL;
	const ElfW(Dyn) *path = NULL;
	if (is_kernels(map))
		return NULL;
	for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_STRTAB)
			strings = address(map, entry);
		/* Where there are both, the older kind is not heeded. */
		else if (entry->d_tag == DT_RUNPATH || (entry->d_tag == DT_RPATH && !path))
			path = entry;
	}
	return path && strings ? strings + path->d_un.d_val : NULL;
}

bool objects_have_path(void)
{
	for (struct link_map *map = platform_objects(); map; map = map->l_next)
		if (objects_path(map))
			return true;
	return false;
}
