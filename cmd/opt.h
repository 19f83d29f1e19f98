/* Options from tables: parsing, and the help text that comes from the same
 * lines. */
#ifndef DPC_OPT_H
#define DPC_OPT_H

#include "err.h"

#include <stdbool.h>

struct opt {
	const char *name;     /* long name, without dashes; NULL ends the table */
	char letter;          /* short name, or 0 */
	const char *argument; /* what the help calls it; NULL: takes none; "[=X]": only in the same word */
	const char *help;
	int id;               /* > 0 */
};

enum { OPT_END = 0, OPT_HELP = 1000 };

struct opt_parser {
	const struct opt *table;
	char **argv;          /* what follows the subcommand; ends in NULL */
	int at;               /* first word not yet taken */
	const struct opt *last; /* the long option met before: the next is often the same */
};

/* The next option's id, with *value where it takes one. OPT_END at the first
 * word that is none (a "--" is skipped), DPC_E_USAGE for what is no option.
 * "--help" is known to every table. */
int opt_next(struct opt_parser *p, const char **value, dpc_error *err);

/* Where opt_read puts what it reads: a flag that is set, or a value. */
struct opt_slot {
	int id; /* 0 ends the list */
	bool *flag;
	const char **value;
};

/* Take all options into their slots; "--help" sets *help and ends it. */
int opt_read(struct opt_parser *p, const struct opt_slot *slots, bool *help, dpc_error *err);

/* Behind the options nothing may follow. */
int opt_expect_end(const struct opt_parser *p, dpc_error *err);

#endif
