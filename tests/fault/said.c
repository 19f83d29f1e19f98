#include "said.h"

#include <stdio.h>
#include <string.h>

enum { LINE = 64 };

const char *const said_names[SAID_KINDS] = {"small", "large", "failing", "question", "over"};

int said_kind_of(const char *name)
{
	for (int i = 0; i < SAID_KINDS; i++)
		if (strcmp(name, said_names[i]) == 0)
			return i;
	return -1;
}

/* splitmix64 */
uint64_t said_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t facet(uint64_t id, uint64_t which)
{
	uint64_t state = id + which * 0x100000001b3;
	return said_random(&state);
}

static size_t most(enum said_kind kind, uint64_t id)
{
	switch (kind) {
	case SAID_LARGE:
		return 400 << 10;
	case SAID_QUESTION:
		return facet(id, 10) % 2 ? 200 << 10 : 4 << 10;
	case SAID_OVER:
		return 2 * SAID_MAX_OUTPUT;
	default:
		return 8 << 10;
	}
}

size_t said_size(uint64_t id, enum said_kind kind, int stream)
{
	size_t limit = most(kind, id) / (stream ? 8 : 1);
	return LINE + facet(id, (uint64_t)stream) % limit;
}

int said_status(uint64_t id, enum said_kind kind)
{
	static const int failures[] = {0, 1, 3, 75};
	return kind == SAID_FAILING ? failures[facet(id, 3) % 4] : 0;
}

int64_t said_nap(uint64_t id, enum said_kind kind)
{
	/* Some are over at once: that is where the narrow races are. */
	uint64_t ms = facet(id, 4) % 4 ? facet(id, 5) % (kind == SAID_LARGE ? 60 : 30) : 0;
	return (int64_t)ms * 1000000;
}

void said_fill(char *out, size_t size, uint64_t id, enum said_kind kind, int stream)
{
	char line[2 * LINE];
	uint64_t state = id ^ (uint64_t)stream;
	for (size_t at = 0, n = 0; at < size; at += LINE, n++) {
		snprintf(line, sizeof line, "%016llx %-9s %d %9zu %016llx .......\n", (unsigned long long)id,
		         said_names[kind], stream + 1, n, (unsigned long long)said_random(&state));
		memcpy(out + at, line, size - at < LINE ? size - at : LINE);
	}
}
