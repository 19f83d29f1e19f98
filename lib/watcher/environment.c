#include "watcher/environment.h"

#include "shim/wire.h"

#include <stdbool.h>
#include <string.h>

static const char PRELOAD[] = "LD_PRELOAD=";
static const char SEPARATORS[] = ": ";

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Where it stands in the list, as a whole word. */
static char *find(char *list, const char *word)
{
	size_t size = strlen(word);
	for (char *p = list; size && *p; p += strspn(p, SEPARATORS)) {
		size_t n = strcspn(p, SEPARATORS);
		if (n == size && memcmp(p, word, n) == 0)
			return p;
		p += n;
	}
	return NULL;
}

/* False when there was nothing besides. */
static bool cut(char *list, const char *word)
{
	char *at;
	while ((at = find(list, word))) {
		char *end = at + strlen(word);
		if (*end)
			end++;
		else if (at > list)
			at--;
		else
			return false;
		memmove(at, end, strlen(end) + 1);
	}
	return true;
}

static bool keep(char *variable, const char *const libraries[2])
{
	if (begins(variable, WIRE_VARIABLE "="))
		return false;
	if (!begins(variable, PRELOAD))
		return true;
	char *list = variable + strlen(PRELOAD);
	return cut(list, libraries[0]) && cut(list, libraries[1]);
}

void environment_clean(char **envp, const char *const libraries[2])
{
	char **to = envp;
	for (; *envp; envp++)
		if (keep(*envp, libraries))
			*to++ = *envp;
	*to = NULL;
}
