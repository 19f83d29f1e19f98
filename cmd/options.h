/* The options of run, key and whoever else describes a run: command line and
 * environment → policy and question. Shared by the front and the core, so that
 * both read the same words alike. */
#ifndef DPC_OPTIONS_H
#define DPC_OPTIONS_H

#include "ask.h"
#include "opt.h"
#include "store_url.h"

#include <limits.h>

enum on_timeout { ON_TIMEOUT_RUN, ON_TIMEOUT_STALE, ON_TIMEOUT_FAIL };
enum refresh_mode { REFRESH_AUTO, REFRESH_BACKGROUND, REFRESH_FOREGROUND };
enum follow_mode { FOLLOW_AUTO, FOLLOW_ALWAYS, FOLLOW_NEVER };

struct run_options {
	struct policy policy;
	struct question question;
	const char *store;         /* URL, or NULL */
	struct store_options store_options; /* in it, once parsed */
	const char *inputs_from;   /* file of input names, "-" for stdin, or NULL */
	bool zero_terminated;      /* -0 */
	bool use_stdin, no_exe, no_cache, require_cache, verbose, explain, json;
	enum on_timeout on_timeout;
	enum refresh_mode refresh_mode;
	enum follow_mode follow;
	int timeout_status;        /* -E */
	int status_fd;             /* -1: none */
	const char *status_file, *log_file; /* from the environment, or NULL */
	bool help;                 /* --help was asked for */
	/* derived */
	int exe_errno;             /* why the command cannot be executed, or 0 */
	struct digest stdin_digest;
	int64_t input_at;          /* offset of standard input, where that is read */
	/* owned */
	char *shell_argv[4];
	const char **lists;
	struct buf input_names, store_url;
	/* derived; last, for it is large and little of it is touched */
	char exe[PATH_MAX];        /* once resolved; with a named key only for a run */
};

/* `explain` is run's table with --json, `key` that of what shapes the key with --explain
 * and --json; all are one list. */
extern const struct opt run_opts[];
extern const struct opt explain_opts[];
extern const struct opt key_opts[];

/* Parse the words behind the subcommand. DPC_E_USAGE with the option named. */
int options_parse(struct run_options *o, const struct opt *table, char **words, dpc_error *err);

/* Which file the command is: o->exe and o->exe_errno. */
void options_resolve(struct run_options *o);

/* What needs more than the words: the executable, inputs-from, stdin. Descriptor
 * 0 is spooled below the home where it has to be read. */
int options_settle(struct run_options *o, const struct home *h, dpc_error *err);

void options_release(struct run_options *o);

#endif
