/* What the C library looks up and reads by itself, where a function is called of which
 * that is known: variables and files by rule. */
#ifndef DPC_SHIM_RULES_H
#define DPC_SHIM_RULES_H

/* The time zone's. */
void rules_zone(void);

/* A locale's; its name as setlocale takes it: "" is what the variables say, NULL asks
 * only. */
void rules_locale(const char *name);

/* Message catalogs of this domain, in `dir`, NULL: the usual one. */
void rules_messages(const char *dir, const char *domain);

/* A catalog of catopen(3). */
void rules_catalog(const char *name);

/* Character sets'. */
void rules_charsets(void);

/* A name for a temporary file, that may be in `dir`: of directories, whether they are there. */
void rules_temporary(const char *dir);

/* What getdate(3) reads dates by. */
void rules_date(void);

/* Name service: a file of /etc, as "passwd". */
void rules_names(const char *file);

/* Look a variable up, and log that. NULL: it is not set. */
const char *rules_variable(const char *name);

#endif
