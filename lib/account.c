#include "account.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

const char *account_home(void)
{
	static _Thread_local char home[PATH_MAX];
	struct passwd entry, *found = NULL;
	char strings[4096];
	if (getpwuid_r(geteuid(), &entry, strings, sizeof strings, &found) != 0 || !found || !*entry.pw_dir)
		return NULL;
	int n = snprintf(home, sizeof home, "%s", entry.pw_dir);
	return n > 0 && (size_t)n < sizeof home ? home : NULL;
}
