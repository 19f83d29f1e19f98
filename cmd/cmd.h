/* The subcommands: each is one file that exports one function. */
#ifndef DPC_CMD_H
#define DPC_CMD_H

#include "opt.h"

struct command {
	const char *name;
	/* `words` is what follows the name, ending in NULL. The exit status. */
	int (*function)(const struct command *self, char **words);
	const char *arguments; /* for the usage line */
	const char *summary;
	const struct opt *options;
};

int cmd_run(const struct command *self, char **words);
int cmd_explain(const struct command *self, char **words);
int cmd_key(const struct command *self, char **words);
int cmd_get(const struct command *self, char **words);
int cmd_put(const struct command *self, char **words);
int cmd_rm(const struct command *self, char **words);
int cmd_ls(const struct command *self, char **words);
int cmd_locks(const struct command *self, char **words);
int cmd_show(const struct command *self, char **words);
int cmd_stats(const struct command *self, char **words);
int cmd_invalidate(const struct command *self, char **words);
int cmd_prune(const struct command *self, char **words);
int cmd_doctor(const struct command *self, char **words);

extern const struct opt get_opts[], put_opts[], rm_opts[], ls_opts[], locks_opts[], show_opts[], stats_opts[],
    invalidate_opts[], prune_opts[], doctor_opts[];

enum {
	EXIT_MISS = 1,   /* get, rm, show: nothing there */
	EXIT_USAGE = 125 /* wrong usage, or dpcache itself failed */
};

/* Print a command's help from its table. */
int cmd_help(const struct command *c);

#endif
