/* The options that describe a run, as the help shows them. */
#include "engine.h"
#include "option_ids.h"
#include "options.h"

#include <stddef.h>

#define QUESTION_OPTS                                                                                    \
	{"command", 'c', "STRING", "run STRING by /bin/sh -c", O_COMMAND},                                   \
	{"env", 0, "NAME", "the variable NAME is part of the key", O_ENV},                                   \
	{"input", 0, "PATH", "content of a file, directory or glob is part of the key", O_INPUT},            \
	{"inputs-from", 0, "FILE", "read names of inputs from FILE (- is stdin)", O_INPUTS_FROM},            \
	{"null", '0', NULL, "names in FILE end in NUL, not newline", O_ZERO},                                \
	{"trace", 0, "[=strict]", "find the inputs by watching the command; without --ttl, no expiry",      \
	 O_TRACE},                                                                                            \
	{"trace-ignore", 0, "GLOB", "paths that are no inputs", O_TRACE_IGNORE},                              \
	{"trace-add", 0, "PATH", "the same as --input", O_TRACE_ADD},                                         \
	{"output", 0, "PATH", "keep a file that the command writes, or a glob of them, with the result", O_OUTPUT}, \
	{"outputs", 0, "auto", "with --trace: keep all that it writes below the working directory", O_OUTPUTS},     \
	{"stdin", 0, NULL, "give the command standard input; it is part of the key", O_STDIN},               \
	{"key", 0, "STRING", "name the result STRING, instead of by command and surroundings", O_KEY},       \
	{"salt", 0, "STRING", "STRING is part of the key", O_SALT},                                          \
	{"region", 0, "NAME", "keep keys apart under NAME", O_REGION},                                       \
	{"no-cwd", 0, NULL, "leave the working directory out of the key", O_NO_CWD},                         \
	{"no-exe", 0, NULL, "leave the executable's path and content out of the key", O_NO_EXE},             \
	{"no-path", 0, NULL, "leave PATH out of the key", O_NO_PATH},                                        \
	{"no-uid", 0, NULL, "leave the user out of the key", O_NO_UID},                                      \
	{"no-locale", 0, NULL, "leave LANG, LANGUAGE, LC_* and TZ out of the key", O_NO_LOCALE},             \
	{"store", 0, "URL", ENGINE_URLS, O_STORE},                                                            \
	{"lease", 0, "DURATION", "store on a server: for how long a run is ours without renewal (default 10s)", O_LEASE}, \
	{"io-timeout", 0, "DURATION", "store on a server: how long to wait for it (default 1s)", O_IO_TIMEOUT}, \
	{"read-only", 0, NULL, "store on a server: take results from it, and put none there", O_READ_ONLY},  \
	{"unsigned", 0, NULL, "store on a server: values are not signed", O_UNSIGNED}

/* What run has besides. */
#define RUN_OPTS                                                                                         \
	{"ttl", 0, "DURATION", "answer from results up to this old (300, 5m, 1h30m, forever; default 5m)", O_TTL}, \
	{"ttl-fail", 0, "DURATION", "the same for failures (default 0: not remembered)", O_TTL_FAIL},        \
	{"cache-exit", 0, "LIST", "exit statuses that are good results: 0,1,3-5 or any (default 0)",         \
	 O_CACHE_EXIT},                                                                                      \
	{"stale", 0, "DURATION", "past the ttl, for so long: answer at once, and refresh", O_STALE},         \
	{"stale-if-error", 0, "DURATION", "past the ttl, for so long: answer from the old result should a run fail", \
	 O_STALE_IF_ERROR},                                                                                  \
	{"refresh-mode", 0, "auto|bg|fg", "refresh behind the caller's back or not (default: bg, fg where CI is set)", \
	 O_REFRESH_MODE},                                                                                    \
	{"early", 0, "[=BETA]", "refresh ahead of expiry, the likelier the nearer (default BETA 1)", O_EARLY}, \
	{"jitter", 0, "PERCENT", "shorten each result's ttl by up to so much", O_JITTER},                    \
	{"refresh", 0, NULL, "run even if remembered, and remember anew", O_REFRESH},                        \
	{"no-write", 0, NULL, "do not remember the result", O_NO_WRITE},                                     \
	{"no-cache", 0, NULL, "just run the command (also DPCACHE_DISABLE=1)", O_NO_CACHE},                  \
	{"wait", 0, "DURATION", "wait this long for another's run (default forever)", O_WAIT},               \
	{"on-timeout", 0, "run|stale|fail", "then run it too, answer from the old result, or give up (default run)", \
	 O_ON_TIMEOUT},                                                                                      \
	{"timeout-status", 'E', "STATUS", "exit status when giving up (default 75)", O_TIMEOUT_STATUS},      \
	{"follow", 0, "auto|always|never", "show another's run as it prints (default: on a terminal)", O_FOLLOW}, \
	{"max-run", 0, "DURATION", "end the command after this long", O_MAX_RUN},                            \
	{"no-coalesce", 0, NULL, "run beside others instead of waiting for them", O_NO_COALESCE},            \
	{"max-output", 0, "SIZE", "do not remember more than this (default 256m)", O_MAX_OUTPUT},            \
	{"require-cache", 0, NULL, "fail, instead of running uncached, when the cache is broken",            \
	 O_REQUIRE_CACHE},                                                                                   \
	{"status-fd", 0, "N", "write one JSON line about what happened to descriptor N", O_STATUS_FD},       \
	{"verbose", 'v', NULL, "say on stderr what happened", O_VERBOSE}

const struct opt run_opts[] = {
    RUN_OPTS,
    QUESTION_OPTS,
    {NULL, 0, NULL, NULL, 0},
};

const struct opt explain_opts[] = {
    {"json", 0, NULL, "print a JSON object, with all there is to say", O_JSON},
    RUN_OPTS,
    QUESTION_OPTS,
    {NULL, 0, NULL, NULL, 0},
};

const struct opt key_opts[] = {
    {"explain", 0, NULL, "print what went into the key, names only", O_EXPLAIN},
    {"json", 0, NULL, "the same as JSON", O_JSON},
    QUESTION_OPTS,
    {NULL, 0, NULL, NULL, 0},
};
