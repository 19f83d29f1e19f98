#include "pathset.h"

#include "hash.h"

#include <stdlib.h>
#include <string.h>

void pathset_release(struct pathset *s)
{
	free(s->v);
	free(s->slots);
	buf_release(&s->names);
	*s = (struct pathset){0};
}

const char *pathset_name(const struct pathset *s, const struct pathset_entry *e)
{
	return (const char *)s->names.data + e->name;
}

/* The slot where the path is, or would be. */
static size_t slot_of(const struct pathset *s, const char *path)
{
	size_t at = (size_t)hash64(path, strlen(path)) & (s->slot_count - 1);
	while (s->slots[at] && strcmp(pathset_name(s, &s->v[s->slots[at] - 1]), path) != 0)
		at = (at + 1) & (s->slot_count - 1);
	return at;
}

/* At most half of the slots are taken. */
static bool grow(struct pathset *s)
{
	size_t capacity = s->capacity ? s->capacity * 2 : 256;
	struct pathset_entry *v = realloc(s->v, capacity * sizeof *v);
	if (!v)
		return false;
	s->v = v;
	uint32_t *slots = calloc(capacity * 2, sizeof *slots);
	if (!slots)
		return false;
	free(s->slots);
	s->slots = slots;
	s->slot_count = capacity * 2;
	s->capacity = capacity;
	for (size_t i = 0; i < s->count; i++)
		s->slots[slot_of(s, pathset_name(s, &s->v[i]))] = (uint32_t)i + 1;
	return true;
}

struct pathset_entry *pathset_find(const struct pathset *s, const char *path)
{
	size_t slot = s->count ? slot_of(s, path) : 0;
	return s->count && s->slots[slot] ? &s->v[s->slots[slot] - 1] : NULL;
}

struct pathset_entry *pathset_at(struct pathset *s, const char *path)
{
	if (s->count == s->capacity && !grow(s)) {
		s->failed = true;
		return NULL;
	}
	size_t slot = slot_of(s, path);
	if (s->slots[slot])
		return &s->v[s->slots[slot] - 1];
	struct pathset_entry *e = &s->v[s->count];
	*e = (struct pathset_entry){.name = s->names.size};
	buf_put(&s->names, path, strlen(path) + 1);
	if (s->names.failed) {
		s->failed = true;
		return NULL;
	}
	s->slots[slot] = (uint32_t)++s->count;
	return e;
}
