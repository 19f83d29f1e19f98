#include "search.h"

#include "find.h"
#include "log.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool search_begin(struct search *s, const char *name)
{
	if (!*name || strchr(name, '/'))
		return false;
	log_word(WIRE_VARIABLE_READ, "PATH");
	s->rest = REAL(getenv)("PATH");
	/* Where PATH is not set at all. */
	if (!s->rest)
		s->rest = "/bin:/usr/bin";
	s->name = name;
	s->size = strlen(name);
	return s->size <= NAME_MAX;
}

/* The next directory's, whether it is there or not. False: too long. */
static bool join_next(struct search *s, char path[SEARCH_MAX])
{
	size_t n = strcspn(s->rest, ":");
	bool fits = n < WIRE_PATH_MAX - 1;
	if (fits) {
		memcpy(path, s->rest, n);
		path[n] = '/';
		memcpy(path + n + (n > 0), s->name, s->size + 1);
	}
	s->rest += n;
	s->rest = *s->rest ? s->rest + 1 : NULL;
	return fits;
}

bool search_next(struct search *s, char path[SEARCH_MAX])
{
	while (s->rest) {
		if (!join_next(s, path))
			continue;
		long rc = raw_access(AT_FDCWD, path, F_OK);
		if (rc == 0 || !search_goes_on((int)-rc))
			return true;
		log_outcome(WIRE_ACCESS, 0, AT_FDCWD, path, (int)-rc);
	}
	return false;
}

bool search_goes_on(int error)
{
	return error == ENOENT || error == ESTALE || error == ENOTDIR || error == ENODEV || error == ETIMEDOUT;
}
