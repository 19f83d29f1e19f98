#include "environment.h"

#include "buf.h"
#include "siphash.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

int environment_digest(struct digest *out, const char *name, size_t name_size, const char *value,
                       const uint8_t *secret)
{
	struct buf text = {0};
	buf_put(&text, name, name_size);
	buf_u8(&text, '\0');
	buf_put(&text, value, strlen(value));
	int rc = text.failed ? DPC_E_MEMORY : DPC_OK;
	if (rc == DPC_OK)
		siphash128(out->bytes, text.data, text.size, secret);
	buf_release(&text);
	return rc;
}

int environment_observe(struct digest *out, const char *name, const uint8_t *secret)
{
	const char *value = getenv(name);
	*out = (struct digest){0};
	return value ? environment_digest(out, name, strlen(name), value, secret) : DPC_OK;
}

/* Whole names, and beginnings, which end in an asterisk. Only what is another in each
 * run, session or terminal: what says which branch or target is built, counts. */
static const char *const noise[] = {
    /* shells, make, dpcache */
    "_",
    "OLDPWD",
    "SHLVL",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "GNUMAKEFLAGS",
    "MAKEOVERRIDES",
    "MAKE_TERMOUT",
    "MAKE_TERMERR",
    "DPCACHE_*",
    "LD_PRELOAD",
    /* terminals and sessions */
    "COLUMNS",
    "LINES",
    "WINDOWID",
    "TERM_SESSION_ID",
    "TMUX",
    "TMUX_PANE",
    "STY",
    "WINDOW",
    "SSH_*",
    "GPG_TTY",
    "GPG_AGENT_INFO",
    "XDG_SESSION_ID",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "SYSTEMD_EXEC_PID",
    "SUDO_COMMAND",
    /* CI systems */
    "BUILD_ID",
    "BUILD_NUMBER",
    "BUILD_TAG",
    "BUILD_URL",
    "BUILD_DISPLAY_NAME",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_NUMBER",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_ACTION",
    "GITHUB_TOKEN",
    "RUNNER_TRACKING_ID",
    "CI_JOB_ID",
    "CI_JOB_URL",
    "CI_JOB_TOKEN",
    "CI_JOB_STARTED_AT",
    "CI_PIPELINE_ID",
    "CI_PIPELINE_IID",
    "CI_PIPELINE_URL",
    "CI_PIPELINE_CREATED_AT",
    "CIRCLE_BUILD_NUM",
    "CIRCLE_WORKFLOW_ID",
    "TRAVIS_BUILD_ID",
    "TRAVIS_JOB_ID",
    "BUILDKITE_BUILD_ID",
    "BUILDKITE_JOB_ID",
};

static bool is_like(const char *pattern, const char *name, size_t size)
{
	/* A hit asks this of every variable. */
	if (*pattern != *name)
		return false;
	size_t n = strlen(pattern);
	if (pattern[n - 1] == '*')
		return size >= n - 1 && memcmp(pattern, name, n - 1) == 0;
	return size == n && memcmp(pattern, name, n) == 0;
}

bool environment_is_noise(const char *entry, size_t name_size)
{
	for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
		if (is_like(noise[i], entry, name_size))
			return true;
	return false;
}

int environment_each(environment_visit_fn *visit, void *context)
{
	int rc = DPC_OK;
	for (char **e = environ; rc == DPC_OK && e && *e; e++) {
		const char *equals = strchr(*e, '=');
		size_t size = equals ? (size_t)(equals - *e) : 0;
		if (size && !environment_is_noise(*e, size))
			rc = visit(context, *e, size);
	}
	return rc;
}

/* A sum of the parts' own digests: it does not depend on their order. */
static void add_up(uint64_t sum[2], const struct digest *d)
{
	uint64_t part[2];
	memcpy(part, d->bytes, sizeof part);
	sum[0] += part[0];
	sum[1] += part[1];
}

static int add_name(void *context, const char *name, size_t size)
{
	struct digest d = hash128(name, size);
	add_up(context, &d);
	return DPC_OK;
}

int environment_names(struct digest *out)
{
	uint64_t sum[2] = {0, 0};
	int rc = environment_each(add_name, sum);
	memcpy(out->bytes, sum, sizeof out->bytes);
	return rc;
}

struct adding {
	uint64_t sum[2];
	const uint8_t *secret;
};

static int add_variable(void *context, const char *name, size_t size)
{
	struct adding *a = context;
	struct digest d;
	int rc = environment_digest(&d, name, size, name + size + 1, a->secret);
	if (rc == DPC_OK)
		add_up(a->sum, &d);
	return rc;
}

int environment_all(struct digest *out, const uint8_t *secret)
{
	struct adding a = {.secret = secret};
	int rc = environment_each(add_variable, &a);
	memcpy(out->bytes, a.sum, sizeof out->bytes);
	return rc;
}

static bool has_same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");
	return strncmp(a, b, n) == 0 && b[n] == '=';
}

char **environment_with(char *const *entries)
{
	size_t n = 0, added = 0, kept = 0;
	while (environ[n])
		n++;
	while (entries[added])
		added++;
	char **e = calloc(n + added + 1, sizeof *e);
	for (size_t i = 0; e && i < n; i++) {
		size_t same = 0;
		while (same < added && !has_same_name(entries[same], environ[i]))
			same++;
		if (same == added)
			e[kept++] = environ[i];
	}
	for (size_t i = 0; e && i < added; i++)
		e[kept++] = entries[i];
	return e;
}
