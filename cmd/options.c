#include "options.h"

#include "exe.h"
#include "option_ids.h"
#include "os.h"
#include "output.h"
#include "stdin.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int bad_value(dpc_error *err, const char *option, const char *value, const char *wanted)
{
	return dpc__fail(err, DPC_E_USAGE, "%s: '%s' is not %s", option, value, wanted);
}

static int duration(int64_t *out, const char *option, const char *value, dpc_error *err)
{
	return parse_duration(out, value) ? DPC_OK
	                                  : bad_value(err, option, value, "a duration (300, 90s, 1h30m, forever)");
}

static int number(int *out, const char *option, const char *value, long high, dpc_error *err)
{
	long n;
	if (!parse_number(&n, value, 0, high))
		return bad_value(err, option, value, high == 255 ? "a number from 0 to 255" : "a descriptor's number");
	*out = (int)n;
	return DPC_OK;
}

static int nonempty(const char **out, const char *option, const char *value, dpc_error *err)
{
	if (!*value)
		return dpc__fail(err, DPC_E_USAGE, "%s: the value is empty", option);
	*out = value;
	return DPC_OK;
}

static int take_env(struct run_options *o, const char *value, dpc_error *err)
{
	if (!*value || strchr(value, '='))
		return bad_value(err, "--env", value, "a variable's name");
	o->question.env[o->question.env_count++] = value;
	return DPC_OK;
}

/* One of three words: which. */
static int choice(int *out, const char *option, const char *value, const char *const words[3], dpc_error *err)
{
	for (*out = 0; *out < 3; ++*out)
		if (strcmp(value, words[*out]) == 0)
			return DPC_OK;
	return dpc__fail(err, DPC_E_USAGE, "%s: '%s' is not %s, %s or %s", option, value, words[0], words[1], words[2]);
}

static int take_choice(struct run_options *o, int id, const char *value, dpc_error *err)
{
	static const char *const on_timeout[] = {"run", "stale", "fail"};
	static const char *const refresh_mode[] = {"auto", "bg", "fg"};
	static const char *const follow[] = {"auto", "always", "never"};
	int n = 0, rc;
	switch (id) {
	case O_ON_TIMEOUT:
		rc = choice(&n, "--on-timeout", value, on_timeout, err);
		o->on_timeout = (enum on_timeout)n;
		return rc;
	case O_REFRESH_MODE:
		rc = choice(&n, "--refresh-mode", value, refresh_mode, err);
		o->refresh_mode = (enum refresh_mode)n;
		return rc;
	default:
		rc = choice(&n, "--follow", value, follow, err);
		o->follow = (enum follow_mode)n;
		return rc;
	}
}

static int take_early(struct policy *p, const char *value, dpc_error *err)
{
	p->early = 1;
	return !*value || parse_positive(&p->early, value) ? DPC_OK
	                                                   : bad_value(err, "--early", value, "a number above 0");
}

static int take_jitter(struct policy *p, const char *value, dpc_error *err)
{
	long n;
	if (!parse_number(&n, value, 0, 100))
		return bad_value(err, "--jitter", value, "a percentage from 0 to 100");
	p->jitter = (int)n;
	return DPC_OK;
}

/* Options that take part in conflicts, as bits. */
struct seen {
	bool ttl, wait, on_timeout, command;
};

static int take_trace(struct question *q, const char *value, dpc_error *err)
{
	q->trace = *value ? TRACE_STRICT : TRACE_PRELOAD;
	return !*value || strcmp(value, "strict") == 0 ? DPC_OK : bad_value(err, "--trace", value, "strict");
}

static int take_input(struct question *q, const char *option, const char *value, dpc_error *err)
{
	const char *path = NULL;
	int rc = nonempty(&path, option, value, err);
	if (rc == DPC_OK)
		q->inputs[q->input_count++] = path;
	return rc;
}

/* What is part of the question, and where to look for its answer. */
static int take_part(struct run_options *o, int id, const char *v, struct seen *seen, dpc_error *err)
{
	const char *text = NULL;
	int rc;
	switch (id) {
	case O_ENV:
		return take_env(o, v, err);
	case O_INPUT:
		return take_input(&o->question, "--input", v, err);
	case O_TRACE_ADD:
		return take_input(&o->question, "--trace-add", v, err);
	case O_TRACE:
		return take_trace(&o->question, v, err);
	case O_TRACE_IGNORE:
		if ((rc = nonempty(&text, "--trace-ignore", v, err)) == DPC_OK)
			o->question.trace_ignore[o->question.trace_ignore_count++] = v;
		return rc;
	case O_OUTPUTS:
		o->question.auto_outputs = true;
		return strcmp(v, "auto") == 0 ? DPC_OK : bad_value(err, "--outputs", v, "auto");
	case O_OUTPUT:
		o->question.outputs[o->question.output_count++] = v;
		return output_check_spec(v, err);
	case O_INPUTS_FROM:
		return nonempty(&o->inputs_from, "--inputs-from", v, err);
	case O_KEY:
		if ((rc = nonempty(&text, "--key", v, err)) == DPC_OK)
			o->question.name = (struct slice){(const uint8_t *)v, strlen(v)};
		return rc;
	case O_SALT:
		o->question.salt = v;
		return DPC_OK;
	case O_REGION:
		return nonempty(&o->question.region, "--region", v, err);
	case O_STORE:
		return nonempty(&o->store, "--store", v, err);
	case O_LEASE:
		return nonempty(&o->store_options.lease, "--lease", v, err);
	case O_IO_TIMEOUT:
		return nonempty(&o->store_options.io_timeout, "--io-timeout", v, err);
	case O_COMMAND:
		seen->command = true;
		o->shell_argv[2] = (char *)v;
		return DPC_OK;
	}
	return DPC_E_USAGE;
}

static int take_valued(struct run_options *o, int id, const char *v, struct seen *seen, dpc_error *err)
{
	struct policy *p = &o->policy;
	int rc;
	switch (id) {
	case O_TTL:
		seen->ttl = true;
		return duration(&p->ttl, "--ttl", v, err);
	case O_TTL_FAIL:
		return duration(&p->ttl_fail, "--ttl-fail", v, err);
	case O_CACHE_EXIT:
		return parse_exit_set(&p->cache_exit, v)
		           ? DPC_OK
		           : bad_value(err, "--cache-exit", v, "a list of exit statuses (0,1,3-5 or any)");
	case O_STALE:
		return duration(&p->stale, "--stale", v, err);
	case O_STALE_IF_ERROR:
		return duration(&p->stale_if_error, "--stale-if-error", v, err);
	case O_EARLY:
		return take_early(p, v, err);
	case O_JITTER:
		return take_jitter(p, v, err);
	case O_REFRESH_MODE:
	case O_FOLLOW:
		return take_choice(o, id, v, err);
	case O_WAIT:
		seen->wait = true;
		return duration(&p->wait, "--wait", v, err);
	case O_ON_TIMEOUT:
		seen->on_timeout = true;
		return take_choice(o, id, v, err);
	case O_TIMEOUT_STATUS:
		return number(&o->timeout_status, "-E", v, 255, err);
	case O_MAX_RUN:
		rc = duration(&p->max_run, "--max-run", v, err);
		if (p->max_run == DPC_FOREVER)
			p->max_run = 0;
		return rc;
	case O_MAX_OUTPUT:
		return parse_size(&p->max_output, v) ? DPC_OK
		                                     : bad_value(err, "--max-output", v, "a size (4096, 64k, 1g)");
	case O_STATUS_FD:
		return number(&o->status_fd, "--status-fd", v, 1000000, err);
	default:
		return take_part(o, id, v, seen, err);
	}
}

static void take_flag(struct run_options *o, int id)
{
	switch (id) {
	case O_ZERO:
		o->zero_terminated = true;
		break;
	case O_STDIN:
		o->use_stdin = true;
		break;
	case O_NO_CWD:
		o->question.no_cwd = true;
		break;
	case O_NO_EXE:
		o->no_exe = true;
		break;
	case O_NO_PATH:
		o->question.no_path = true;
		break;
	case O_NO_UID:
		o->question.no_uid = true;
		break;
	case O_NO_LOCALE:
		o->question.no_locale = true;
		break;
	case O_REFRESH:
		o->policy.refresh = true;
		break;
	case O_NO_WRITE:
		o->policy.no_write = true;
		break;
	case O_NO_CACHE:
		o->no_cache = true;
		break;
	case O_NO_COALESCE:
		o->policy.no_coalesce = true;
		break;
	case O_REQUIRE_CACHE:
		o->require_cache = true;
		break;
	case O_READ_ONLY:
		o->store_options.read_only = true;
		break;
	case O_UNSIGNED:
		o->store_options.unsigned_values = true;
		break;
	case O_VERBOSE:
		o->verbose = true;
		break;
	case O_EXPLAIN:
		o->explain = true;
		break;
	case O_JSON:
		o->json = true;
		break;
	}
}

/* NULL where it is unset or empty. */
static const char *variable(const char *name)
{
	const char *v = getenv(name);
	return v && *v ? v : NULL;
}

static bool switched_on(const char *name)
{
	const char *v = variable(name);
	return v && strcmp(v, "0") != 0;
}

static int set_defaults(struct run_options *o, char **words, dpc_error *err)
{
	size_t n = 0;
	while (words[n])
		n++;
	/* All but the large path at the end, whose pages a hit need not touch. */
	memset(o, 0, offsetof(struct run_options, exe));
	o->exe[0] = '\0';
	o->status_fd = -1;
	o->timeout_status = 75;
	o->policy = (struct policy){.ttl = INT64_C(300) * 1000000000,
	                            .wait = DPC_FOREVER,
	                            .max_output = UINT64_C(256) << 20};
	parse_exit_set(&o->policy.cache_exit, "0");
	o->lists = calloc(4 * n + 1, sizeof *o->lists);
	if (!o->lists)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	o->question.env = o->lists;
	o->question.trace_ignore = o->lists + n;
	o->question.outputs = o->lists + 2 * n;
	o->question.inputs = o->lists + 3 * n;
	o->verbose = switched_on("DPCACHE_VERBOSE");
	o->no_cache = switched_on("DPCACHE_DISABLE");
	o->status_file = variable("DPCACHE_STATUS_FILE");
	o->log_file = variable("DPCACHE_LOG");
	return DPC_OK;
}

/* What is read to tell whether the command has to run, and written when it has not. */
static int check_outputs(const struct question *q, dpc_error *err)
{
	char output[PATH_MAX], input[PATH_MAX];
	for (size_t i = 0; i < q->output_count; i++)
		for (size_t k = 0; output_plain(output, q->outputs[i]) && k < q->input_count; k++)
			if (output_plain(input, q->inputs[k]) && strcmp(input, output) == 0)
				return dpc__fail(err, DPC_E_USAGE, "'%s' is both input and output", output);
	return DPC_OK;
}

static int check_conflicts(const struct run_options *o, const struct seen *seen, char *const *rest,
                           dpc_error *err)
{
	const struct policy *p = &o->policy;
	if (seen->command && *rest)
		return dpc__fail(err, DPC_E_USAGE, "-c and a command ('%s') exclude each other", *rest);
	if (!seen->command && !*rest)
		return dpc__fail(err, DPC_E_USAGE, "no command given; see: dpcache help run");
	if (p->no_coalesce && (seen->wait || seen->on_timeout))
		return dpc__fail(err, DPC_E_USAGE, "--no-coalesce excludes --wait and --on-timeout");
	if (p->refresh && p->no_write)
		return dpc__fail(err, DPC_E_USAGE, "--refresh and --no-write exclude each other");
	if (p->stale_if_error && p->stale_if_error < p->stale)
		return dpc__fail(err, DPC_E_USAGE, "--stale-if-error is shorter than --stale and so would never matter");
	if (o->use_stdin && o->inputs_from && strcmp(o->inputs_from, "-") == 0)
		return dpc__fail(err, DPC_E_USAGE, "--stdin and --inputs-from - both want standard input");
	if (o->question.trace_ignore_count && o->question.trace == TRACE_NOT)
		return dpc__fail(err, DPC_E_USAGE, "--trace-ignore needs --trace");
	if (o->question.auto_outputs && o->question.trace == TRACE_NOT)
		return dpc__fail(err, DPC_E_USAGE, "--outputs auto needs --trace");
	if (o->zero_terminated && !o->inputs_from)
		return dpc__fail(err, DPC_E_USAGE, "-0 needs --inputs-from");
	if (o->status_fd >= 0 && !os_fd_is_open(o->status_fd))
		return dpc__fail(err, DPC_E_USAGE, "--status-fd: descriptor %d is not open", o->status_fd);
	return check_outputs(&o->question, err);
}

int options_parse(struct run_options *o, const struct opt *table, char **words, dpc_error *err)
{
	struct opt_parser parser = {.table = table, .argv = words};
	struct seen seen = {0};
	const char *value;
	int id, rc = set_defaults(o, words, err);
	while (rc == DPC_OK && (id = opt_next(&parser, &value, err)) != OPT_END) {
		if (id < 0)
			return id;
		if (id == OPT_HELP) {
			o->help = true;
			return DPC_OK;
		}
		if (value)
			rc = take_valued(o, id, value, &seen, err);
		else
			take_flag(o, id);
	}
	if (rc == DPC_OK)
		rc = check_conflicts(o, &seen, words + parser.at, err);
	if (rc == DPC_OK)
		rc = store_url(&o->store, &o->store_url, &o->store_options, err);
	/* What it depends on says when it is over. */
	if (o->question.trace != TRACE_NOT && !seen.ttl)
		o->policy.ttl = DPC_FOREVER;
	o->question.argv = words + parser.at;
	if (seen.command) {
		o->shell_argv[0] = (char *)"/bin/sh";
		o->shell_argv[1] = (char *)"-c";
		o->question.argv = o->shell_argv;
	}
	return rc;
}

static int read_names(struct run_options *o, const struct home *h, dpc_error *err)
{
	if (strcmp(o->inputs_from, "-") == 0) {
		int rc = stdin_spool(h, err);
		return rc == DPC_OK ? stdin_read(&o->input_names, err) : rc;
	}
	int fd = open(o->inputs_from, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	if (fd >= 0)
		do {
			uint8_t *to = buf_reserve(&o->input_names, 65536);
			n = to ? os_read_full(fd, to, 65536) : -1;
			o->input_names.size += n > 0 ? (size_t)n : 0;
		} while (n > 0);
	int rc = n < 0 ? dpc__fail_errno(err, "--inputs-from: cannot read %s", o->inputs_from) : DPC_OK;
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Cut the names apart in place and add them to the inputs. */
static int split_names(struct run_options *o, dpc_error *err)
{
	char end = o->zero_terminated ? '\0' : '\n';
	buf_u8(&o->input_names, (uint8_t)end);
	if (o->input_names.failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	char *p = (char *)o->input_names.data, *stop = p + o->input_names.size;
	struct question *q = &o->question;
	/* A name has at least one byte and its end: room for that many, of which
	 * only what is used is touched. */
	size_t most = o->input_names.size / 2 + 1;
	size_t behind_env = q->env_count + q->trace_ignore_count, before = behind_env + q->output_count;
	const char **lists = calloc(before + q->input_count + most, sizeof *lists);
	if (!lists)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	memcpy(lists, q->env, q->env_count * sizeof *lists);
	memcpy(lists + q->env_count, q->trace_ignore, q->trace_ignore_count * sizeof *lists);
	memcpy(lists + behind_env, q->outputs, q->output_count * sizeof *lists);
	memcpy(lists + before, q->inputs, q->input_count * sizeof *lists);
	free(o->lists);
	o->lists = lists;
	q->env = lists;
	q->trace_ignore = lists + q->env_count;
	q->outputs = lists + behind_env;
	q->inputs = lists + before;
	for (char *next; p < stop; p = next + 1) {
		next = memchr(p, end, (size_t)(stop - p));
		*next = '\0';
		if (*p)
			q->inputs[q->input_count++] = p;
	}
	return check_outputs(q, err);
}

void options_resolve(struct run_options *o)
{
	if (!o->exe[0])
		o->exe_errno = exe_resolve(o->exe, o->question.argv[0]);
}

int options_settle(struct run_options *o, const struct home *h, dpc_error *err)
{
	int rc = DPC_OK;
	if (o->inputs_from && (rc = read_names(o, h, err)) == DPC_OK)
		rc = split_names(o, err);
	if (rc == DPC_OK && o->use_stdin && (rc = stdin_spool(h, err)) == DPC_OK) {
		rc = stdin_digest(&o->stdin_digest, err);
		o->question.stdin_digest = &o->stdin_digest;
	}
	if (o->use_stdin || o->inputs_from)
		o->input_at = lseek(0, 0, SEEK_CUR);
	o->question.merged = os_same_open_file(1, 2);
	if (!o->question.name.data)
		options_resolve(o);
	return rc;
}

void options_release(struct run_options *o)
{
	free(o->lists);
	buf_release(&o->input_names);
	buf_release(&o->store_url);
}
