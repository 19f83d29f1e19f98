#include "elfile.h"

#include "gnuhash.h"
#include "raw.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

int elfile_open(struct elfile *e, int dir, const char *path)
{
	e->size = 0;
	e->fd = raw_open(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (e->fd < 0)
		return (int)-e->fd;
	long n = raw_read_at(e->fd, e->head, sizeof e->head - 1, 0);
	e->size = n > 0 ? (size_t)n : 0;
	e->head[e->size] = 0;
	return 0;
}

void elfile_close(struct elfile *e)
{
	raw_close(e->fd);
}

bool elfile_is_program(const struct elfile *e)
{
	const ElfW(Ehdr) *head = (const ElfW(Ehdr) *)e->head;
	if (e->size < sizeof *head || memcmp(e->head, ELFMAG, SELFMAG) != 0)
		return false;
	return head->e_machine == EM_X86_64 || head->e_machine == EM_386;
}

/* The n-th program header, or NULL. */
static const ElfW(Phdr) * segment(const struct elfile *e, unsigned n)
{
	const ElfW(Ehdr) *head = (const ElfW(Ehdr) *)e->head;
	uint64_t at = head->e_phoff + (uint64_t)n * sizeof(ElfW(Phdr));
	if (head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_machine != EM_X86_64 || n >= head->e_phnum)
		return NULL;
	if (head->e_phoff % 8 || head->e_phoff > e->size || at + sizeof(ElfW(Phdr)) > e->size)
		return NULL;
	return (const ElfW(Phdr) *)(e->head + at);
}

static const ElfW(Phdr) * segment_of_type(const struct elfile *e, uint32_t type)
{
	const ElfW(Phdr) * p;
	for (unsigned n = 0; (p = segment(e, n)); n++)
		if (p->p_type == type)
			return p;
	return NULL;
}

/* Read what will be at `address`. How much there was. */
static size_t read_address(const struct elfile *e, uint64_t address, void *data, size_t size)
{
	const ElfW(Phdr) * p;
	for (unsigned n = 0; (p = segment(e, n)); n++) {
		if (p->p_type != PT_LOAD || address < p->p_vaddr || address - p->p_vaddr >= p->p_filesz)
			continue;
		long got = raw_read_at(e->fd, data, size, p->p_offset + address - p->p_vaddr);
		return got > 0 ? (size_t)got : 0;
	}
	return 0;
}

bool elfile_loader(const struct elfile *e, char *loader, size_t room)
{
	const ElfW(Phdr) *p = segment_of_type(e, PT_INTERP);
	if (!p || p->p_filesz >= room)
		return false;
	long n = raw_read_at(e->fd, loader, p->p_filesz, p->p_offset);
	loader[n > 0 ? n : 0] = 0;
	return n > 0;
}

static bool is_sound(const struct elfile *e)
{
	const ElfW(Ehdr) *head = (const ElfW(Ehdr) *)e->head;
	bool type = head->e_type == ET_EXEC || head->e_type == ET_DYN;
	return type && head->e_phentsize == sizeof(ElfW(Phdr)) && head->e_phnum && segment(e, head->e_phnum - 1U);
}

bool elfile_will_begin(const struct elfile *e)
{
	struct elfile linker;
	char loader[64];
	if (!is_sound(e))
		return false;
	if (!segment_of_type(e, PT_INTERP))
		return true;
	if (!elfile_loader(e, loader, sizeof loader) || raw_access(AT_FDCWD, loader, X_OK) < 0 ||
	    elfile_open(&linker, AT_FDCWD, loader) != 0)
		return false;
	bool sound = elfile_is_program(&linker) && is_sound(&linker);
	elfile_close(&linker);
	return sound;
}

struct dynamic {
	ElfW(Dyn) entries[128];
	size_t count;
};

static void read_dynamic(const struct elfile *e, struct dynamic *d)
{
	const ElfW(Phdr) *p = segment_of_type(e, PT_DYNAMIC);
	size_t size = !p ? 0 : p->p_filesz < sizeof d->entries ? p->p_filesz : sizeof d->entries;
	long n = raw_read_at(e->fd, d->entries, size, p ? p->p_offset : 0);
	d->count = n > 0 ? (size_t)n / sizeof *d->entries : 0;
}

static uint64_t dynamic_value(const struct dynamic *d, int64_t tag)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->entries[i].d_tag == tag)
			return d->entries[i].d_un.d_val;
	return 0;
}

bool elfile_names_sanitizer(const char *libraries)
{
	static const char names[][16] = {"libasan.", "libtsan.", "libhwasan.", "libclang_rt."};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strstr(libraries, names[i]))
			return true;
	return false;
}

static bool needs_runtime(const struct elfile *e, const struct dynamic *d)
{
	uint64_t strings = dynamic_value(d, DT_STRTAB);
	for (size_t i = 0; i < d->count; i++) {
		char name[16] = "";
		if (d->entries[i].d_tag != DT_NEEDED)
			continue;
		read_address(e, strings + d->entries[i].d_un.d_val, name, sizeof name - 1);
		if (elfile_names_sanitizer(name))
			return true;
	}
	return false;
}

/* Is this symbol, whose hash is right, of that name? */
static bool is_named(const struct elfile *e, const struct dynamic *d, uint32_t symbol, const char *name)
{
	ElfW(Sym) s = {0};
	char text[32] = "";
	if (read_address(e, dynamic_value(d, DT_SYMTAB) + symbol * sizeof s, &s, sizeof s) != sizeof s)
		return false;
	read_address(e, dynamic_value(d, DT_STRTAB) + s.st_name, text, sizeof text - 1);
	return s.st_shndx != SHN_UNDEF && strcmp(text, name) == 0;
}

/* Chains are short; where one is not, the file is damaged. */
enum { CHAIN_MAX = 4096 };

struct hash_table {
	uint32_t buckets, first, words, shift;
};

static bool in_chain(const struct elfile *e, const struct dynamic *d, uint64_t buckets,
                     const struct hash_table *h, const char *name)
{
	uint32_t hash = gnuhash(name), symbol = 0, link = 0;
	uint64_t chains = buckets + h->buckets * (uint64_t)4;
	if (read_address(e, buckets + hash % h->buckets * (uint64_t)4, &symbol, 4) != 4 || symbol < h->first)
		return false;
	for (uint32_t end = symbol + CHAIN_MAX; !(link & 1) && symbol != end; symbol++) {
		if (read_address(e, chains + (symbol - h->first) * (uint64_t)4, &link, 4) != 4)
			return false;
		if ((link | 1) == (hash | 1) && is_named(e, d, symbol, name))
			return true;
	}
	return false;
}

/* Does the program itself define it for libraries to use? */
static bool exports(const struct elfile *e, const struct dynamic *d, const char *name)
{
	struct hash_table h = {0};
	uint32_t hash = gnuhash(name);
	uint64_t at = dynamic_value(d, DT_GNU_HASH), word = 0;
	if (!at || read_address(e, at, &h, sizeof h) != sizeof h || !h.words || !h.buckets)
		return false;
	uint64_t bloom = at + sizeof h;
	if (read_address(e, bloom + hash / 64 % h.words * (uint64_t)8, &word, 8) != 8)
		return false;
	if (!(word >> hash % 64 & word >> (hash >> h.shift % 32) % 64 & 1))
		return false;
	return in_chain(e, d, bloom + h.words * (uint64_t)8, &h, name);
}

bool elfile_has_sanitizer(const struct elfile *e)
{
	struct dynamic d = {0};
	read_dynamic(e, &d);
	return needs_runtime(e, &d) || exports(e, &d, "__asan_init") || exports(e, &d, "__tsan_init") ||
	       exports(e, &d, "__msan_init") || exports(e, &d, "__hwasan_init");
}

bool elfile_gives_capabilities(const struct elfile *e)
{
	return raw_call(SYS_fgetxattr, e->fd, (long)"security.capability", 0, 0, 0, 0) > 0;
}
