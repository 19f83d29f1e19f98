/* The few functions on strings that the shim calls, once more: the C library's would be
 * looked up, through all libraries, at the first call of each in each process, and lie
 * on pages that a short program need not touch else. Together that is a tenth of what
 * being watched costs it. Hidden: nobody but the shim calls these.
 *
 * Compiled so that no loop becomes a call of the function that it is; where that is
 * not enough, it is no loop. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* So that it stays a loop. */
#define NO_PATTERN __asm__ volatile("" : : : "memory")

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	char *t = to;
	const char *f = from;
	/* What is copied are names: for them, "rep movsb" takes longer to begin than this. */
	for (uint64_t word; size >= sizeof word; t += sizeof word, f += sizeof word, size -= sizeof word) {
		__builtin_memcpy(&word, f, sizeof word);
		__builtin_memcpy(t, &word, sizeof word);
		NO_PATTERN;
	}
	for (; size; size--) {
		*t++ = *f++;
		NO_PATTERN;
	}
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	char *t = (char *)to + size - 1;
	const char *f = (const char *)from + size - 1;
	if (to <= from || (const char *)from + size <= (char *)to)
		return memcpy(to, from, size);
	__asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(t), "+S"(f), "+c"(size) : : "memory");
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	void *end = to;
	__asm__ volatile("rep stosb" : "+D"(end), "+c"(size) : "a"(byte) : "memory");
	return to;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;
	while (n < max && s[n])
		n++;
	return n;
}

size_t strlen(const char *s)
{
	size_t n = 0;
	while (s[n])
		n++;
	return n;
}

char *strcpy(char *restrict to, const char *restrict from)
{
	return memcpy(to, from, strlen(from) + 1);
}

int strncmp(const char *a, const char *b, size_t max)
{
	size_t i = 0;
	while (i < max && a[i] && a[i] == b[i])
		i++;
	return i < max ? (unsigned char)a[i] - (unsigned char)b[i] : 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, (size_t)-1);
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)s;
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;
	for (; *s; s++)
		if (*s == (char)c)
			found = s;
	return (char *)(c ? found : s);
}

size_t strcspn(const char *s, const char *reject)
{
	size_t n = 0;
	while (s[n] && !strchr(reject, s[n]))
		n++;
	return n;
}

size_t strspn(const char *s, const char *accept)
{
	size_t n = 0;
	while (s[n] && strchr(accept, s[n]))
		n++;
	return n;
}
