#include "watcher/program.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

/* As many interpreters of interpreters as the kernel follows, and of each first
 * line as much as it reads. */
enum { SCRIPTS = 5, HEAD = 256 };

bool program_script(char *interpreter, const char *head, unsigned long size)
{
	const char *end = head + size, *p = head + 2;
	if (size < 2 || memcmp(head, "#!", 2) != 0)
		return false;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	size_t n = 0;
	while (p + n < end && n < HEAD && !memchr(" \t\n", p[n], 4))
		n++;
	memcpy(interpreter, p, n);
	interpreter[n] = '\0';
	return n > 0;
}

/* The owner's rights, or those of the file's capabilities. */
static bool gains_rights(int fd, const struct stat *st)
{
	if (st->st_mode & S_ISUID && st->st_uid != geteuid())
		return true;
	if (st->st_mode & S_ISGID && st->st_gid != getegid())
		return true;
	return geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

static void find_loader(struct program *p, int fd, const Elf64_Ehdr *e)
{
	Elf64_Phdr h;
	for (unsigned i = 0; i < e->e_phnum; i++) {
		if (pread(fd, &h, sizeof h, (off_t)(e->e_phoff + i * sizeof h)) != sizeof h)
			return;
		if (h.p_type == PT_INTERP && h.p_filesz < sizeof p->loader &&
		    pread(fd, p->loader, h.p_filesz, (off_t)h.p_offset) == (ssize_t)h.p_filesz) {
			p->loader[h.p_filesz] = '\0';
			return;
		}
	}
}

/* True: it is a script, and p->executable now the interpreter. */
static bool look_into(struct program *p, int fd)
{
	union {
		char text[HEAD];
		Elf64_Ehdr elf;
	} head;
	ssize_t n = pread(fd, &head, sizeof head, 0);
	if (n < 0)
		return false;
	if (program_script(p->executable, head.text, (unsigned long)n))
		return true;
	if ((size_t)n >= sizeof head.elf && memcmp(head.elf.e_ident, ELFMAG, SELFMAG) == 0 &&
	    head.elf.e_ident[EI_CLASS] == ELFCLASS64)
		find_loader(p, fd, &head.elf);
	return false;
}

void program_look(struct program *p, const char *path)
{
	struct stat st;
	bool script = true;
	strcpy(p->executable, path);
	p->loader[0] = '\0';
	p->gains_rights = false;
	for (int i = 0; script && i < SCRIPTS; i++) {
		/* Not to wait for who writes into a pipe. */
		int fd = open(p->executable, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			return;
		script = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && look_into(p, fd);
		/* A script's own rights are not given. */
		p->gains_rights = !script && gains_rights(fd, &st);
		close(fd);
	}
}
