/* dpcache-core: everything but the plain hit. */
#include "cmd.h"

#include "become.h"
#include "options.h"
#include "os.h"
#include "plugin.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

static int cmd_help_command(const struct command *self, char **words);
static int cmd_version(const struct command *self, char **words);

static const struct opt no_opts[] = {{NULL, 0, NULL, NULL, 0}};

static const struct command commands[] = {
    {"run", cmd_run, "[--] command [argument ...]", "replay the remembered result, or run once and remember it",
     run_opts},
    {"explain", cmd_explain, "[--] command [argument ...]", "say whether run would have to run it, and why",
     explain_opts},
    {"key", cmd_key, "[--] command [argument ...]", "print the key of a run", key_opts},
    {"get", cmd_get, "key", "print the value under a name", get_opts},
    {"put", cmd_put, "key", "remember standard input under a name", put_opts},
    {"rm", cmd_rm, "key ...", "forget values and results", rm_opts},
    {"ls", cmd_ls, "", "list what is remembered", ls_opts},
    {"locks", cmd_locks, "", "list the runs at work and who waits for them", locks_opts},
    {"show", cmd_show, "key", "tell all about one entry", show_opts},
    {"stats", cmd_stats, "", "hits, misses and time saved", stats_opts},
    {"invalidate", cmd_invalidate, "[key ...]", "forget by key, by command or everything", invalidate_opts},
    {"prune", cmd_prune, "", "drop what has expired, then what is least used", prune_opts},
    {"doctor", cmd_doctor, "", "check the cache and, with --fix, mend it", doctor_opts},
    {"help", cmd_help_command, "[command]", "print this, or a command's options", no_opts},
    {"version", cmd_version, "", "print the version", no_opts},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct command *find(const char *name)
{
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int overview(void)
{
	puts("usage: dpcache command [options] ...\n");
	for (int i = 0; i < COMMANDS; i++)
		printf("  %-11s %s\n", commands[i].name, commands[i].summary);
	puts("\ndpcache help command lists its options; dpcache(1) tells the rest.");
	return 0;
}

int cmd_help(const struct command *c)
{
	printf("usage: dpcache %s%s%s%s\n  %s\n", c->name, c->options->name ? " [options]" : "",
	       *c->arguments ? " " : "", c->arguments, c->summary);
	for (const struct opt *o = c->options; o->name; o++) {
		char left[64], letter[8] = "    ";
		if (o->letter)
			snprintf(letter, sizeof letter, "-%c, ", o->letter);
		snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->argument && o->argument[0] != '[' ? " " : "",
		         o->argument ? o->argument : "");
		printf("  %-28s %s\n", left, o->help);
	}
	return 0;
}

static int cmd_help_command(const struct command *self, char **words)
{
	if (!words[0])
		return overview();
	if (strcmp(words[0], "--help") == 0)
		return cmd_help(self);
	const struct command *c = find(words[0]);
	if (!c) {
		report_error("no command '%s'; see: dpcache help", words[0]);
		return EXIT_USAGE;
	}
	return cmd_help(c);
}

static int cmd_version(const struct command *self, char **words)
{
	if (words[0] && strcmp(words[0], "--help") == 0)
		return cmd_help(self);
	printf("dpcache %s\n", dpc_version());
	return 0;
}

int main(int argc, char **argv)
{
	if (!plugin_loads)
		become_shared(argv);
	os_fill_standard_fds();
	if (argc < 2) {
		report_error("no command given; see: dpcache help");
		return EXIT_USAGE;
	}
	const char *name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return overview();
	if (strcmp(name, "--version") == 0)
		name = "version";
	const struct command *c = find(name);
	if (!c) {
		report_error("no command '%s'; see: dpcache help", name);
		return EXIT_USAGE;
	}
	int status = c->function(c, argv + 2);
	if (fflush(stdout) == EOF && status == 0) {
		report_error("cannot write to stdout");
		return EXIT_USAGE;
	}
	return status;
}
